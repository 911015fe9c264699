"""How long a session lasts: as long as it is used; at a shared computer a short while (R-16).

One's own is renewed once a day and ends after thirty days without a visit, which needs no warning
(WCAG 2.2.1: more than twenty hours). At a computer that others use it ends after twenty minutes in
which nothing was opened or sent; two minutes before, the page says so, and one button renews it.
"""

from __future__ import annotations

from flask import request, session

from collab.core.db import now

DAY = 86_400
IDLE = 20 * 60
"""Seconds without use after which a session at a shared computer has ended."""
GRAIN = 30
"""Seconds of use that are not written down: the cookie need not come with every answer."""


def used() -> bool:
    """Whether the session still holds; a page that is opened and a form that is sent renew it.

    What scripts ask for by themselves does not: news come to an empty chair too.
    """
    at, shared = int(now().timestamp()), bool(session.get("shared"))
    idle = at - int(session.get("used", at))
    if shared and idle > IDLE:
        return False
    by_hand = (
        request.method != "GET" or request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    )
    if "used" not in session or (by_hand and idle > (GRAIN if shared else DAY)):
        session["used"] = at
    return True


def idle_time() -> int:
    """Seconds after which this page may say that the session has ended; 0: it does not."""
    return IDLE if session.get("shared") and "account_id" in session else 0
