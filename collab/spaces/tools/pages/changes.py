"""The changes that take one button: what each asks for, does, and says when it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collab.core.i18n import N_
from collab.spaces.tools.pages.inputs import (
    MoveDocument,
    RemoveDocument,
    RestoreDocument,
    RestoreRevision,
)
from collab.spaces.tools.pages.operations import (
    move_document,
    remove_document,
    restore_document,
    restore_revision,
)

CHANGES: Mapping[str, tuple[type[Any], Any, str]] = {
    "restore_revision": (
        RestoreRevision,
        restore_revision,
        N_("Cette version est de nouveau la dernière."),
    ),
    "move": (MoveDocument, move_document, N_("Document déplacé.")),
    "remove": (RemoveDocument, remove_document, N_("Document effacé.")),
    "restore": (RestoreDocument, restore_document, N_("Le document est de retour.")),
}
