"""Lengths of time as people say them, in the reader's language."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from collab.core.i18n import N_


def delay(milliseconds: float | None) -> str:
    """A delay as people say it: « 240 ms », « 3 s », « 5 min », « 2 h »; "" when not known."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return str(_("%(n)s ms", n=round(milliseconds)))
    return spell(milliseconds / 1000)


def spell(seconds: float) -> str:
    """A length of time in its largest unit, rounded: « 3 min »."""
    for step, words in ((86_400, N_("%(n)s j")), (3600, N_("%(n)s h")), (60, N_("%(n)s min"))):
        if seconds >= step:
            return str(_(words, n=round(seconds / step)))
    return str(_("%(n)s s", n=round(seconds)))


def measured(day: Any) -> dict[str, Any]:
    """`federation.delays.Day` for the API: in milliseconds, and in words."""
    if day is None:
        return {"delay": None}
    whole = day.whole
    figures = {"entries": whole.number, "median_ms": whole.median_ms, "p95_ms": whole.p95_ms}
    return {"delay": figures | {"words": delay_words(day)}}


def delay_words(day: Any) -> str:
    """« Sur 120 arrivées dans les copies en 24 heures, la moitié ont pris 240 ms au plus… »: an
    entry that two copies have confirmed arrived twice."""
    return str(
        ngettext(
            "La seule arrivée dans une copie en 24 heures a pris %(half)s environ.",
            "Sur %(num)s arrivées dans les copies en 24 heures, la moitié ont pris %(half)s au "
            "plus, 95 sur 100 %(most)s environ.",
            day.whole.number,
            half=delay(day.whole.median_ms),
            most=delay(day.whole.p95_ms),
        )
    )
