"""What the house itself writes beside a version: kept and sent in French, shown in any language.

The sentence is its own code: what stands in databases from before, and what another instance sent,
is recognised like what is written today. What people wrote of a version stays as they wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from collab.core.i18n import N_

REVIEWED = N_("Relecture : %(by)s")
UNREVIEWED = N_("Relecture annulée")
RETURNED = N_("Retour à la version %(number)s")
MOVED = N_("Déplacement")
IMPORTED = N_("Import")
FORMS = {
    sentence: re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+)", re.escape(sentence)))
    for sentence in (REVIEWED, UNREVIEWED, RETURNED, MOVED, IMPORTED)
}


def summary_of(summary: str) -> tuple[str, Mapping[str, str]] | None:
    """The sentence to translate and what fills it, of a summary that the house wrote; else None."""
    for sentence, form in FORMS.items():
        if found := form.fullmatch(summary):
            return sentence, found.groupdict()
    return None
