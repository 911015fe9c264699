"""The door plate of simple versions: read this first."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from collab.core.i18n import N_
from collab.core.markup import plain
from collab.spaces.hiding import VERSIONS
from collab.spaces.items import HANGING
from collab.spaces.models import Item
from collab.spaces.tool import Action, Kind, Tool
from collab.spaces.tools.simple.activitypub import MAPPING
from collab.spaces.tools.simple.inputs import (
    EditSimple,
    ReviewSimple,
    TakeSimple,
    WriteSimple,
)
from collab.spaces.tools.simple.models import SimpleText
from collab.spaces.tools.simple.operations import (
    edit_simple,
    remove_simple,
    restore_simple,
    review_simple,
    unreview_simple,
    write_simple,
)
from collab.spaces.tools.simple.queries import (
    count,
    hanging,
    is_stale,
    original_named,
    text_said,
)
from collab.spaces.tools.simple.views import bp


def _present(session: Session, simple: SimpleText) -> dict[str, Any]:
    original = original_named(session, simple.space, simple.of_iri)
    return {
        "of": simple.of_iri,
        "label": simple.label,
        "readers": simple.readers,
        "organisation": simple.organisation,
        "stale": is_stale(simple, original),
        "number": simple.revision,
    }


def _no_page(item: Any) -> Item | None:
    """It stands on no other's page, and nobody who follows the project is told of it alone."""
    return None


WRITE = Action(WriteSimple, write_simple)
EDIT = Action(EditSimple, edit_simple)
HANGING.append(hanging)
VERSIONS["simple"] = text_said

TOOL = Tool(
    name="simple",
    title=N_("Versions simples"),
    kinds=(
        Kind(
            name="simple",
            plural="simple-versions",
            model=SimpleText,
            add=WRITE,
            revise=EDIT,
            mapping=MAPPING,
            example=lambda: WriteSimple(
                title="Le jardin", body="Nous plantons des légumes.\nVous pouvez venir."
            ),
            url=lambda space, simple: f"{space.url}/simple/{simple.uid}",
            searchable=lambda simple: plain(simple.html),
            present=_present,
            within=_no_page,
        ),
    ),
    blueprint=bp,
    actions={
        "write": WRITE,
        "edit": EDIT,
        "review": Action(ReviewSimple, review_simple),
        "unreview": Action(TakeSimple, unreview_simple),
        "remove": Action(TakeSimple, remove_simple),
        "restore": Action(TakeSimple, restore_simple),
    },
    count=count,
    order=90,
)
