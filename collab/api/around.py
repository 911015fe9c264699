"""The API about this instance itself: other instances, the state of copies, who asks."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from collab.api import shapes
from collab.api.door import answer, bp, caller
from collab.api.spaces import readable
from collab.core.errors import Forbidden
from collab.core.i18n import N_
from collab.people.queries import account_of
from collab.web.runtime import current_runtime
from collab.web.view import dbsession


@bp.get("/peers")
def list_peers() -> Response:
    """Every instance known here and how it stands; for administrators."""
    account = account_of(dbsession(), caller().id)
    if account is None or account.role < 30:
        raise Forbidden(N_("Seules les personnes qui administrent ce site peuvent faire cela."))
    return answer(
        [
            {
                "host": peer.host,
                "name": peer.name,
                "state": peer.state,
                "signature": peer.scheme,
                "clock_offset": peer.clock_offset,
                "failures": peer.fail_count,
                "last_ok_at": shapes.instant(peer.last_ok_at),
                "next_try_at": shapes.instant(peer.next_try_at),
                "last_error": peer.last_error,
            }
            for peer in current_runtime().network.peers()
        ]
    )


@bp.get("/spaces/<address>/federation")
def federation_of(address: str) -> Response:
    """Where a project's log stands, who holds copies, and whether they hold the same."""
    told = current_runtime().network.report(readable(address))
    return answer(_told(told))


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _told(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_told(v) for v in value]
    return shapes.instant(value) if hasattr(value, "isoformat") else value
