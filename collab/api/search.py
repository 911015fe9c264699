"""Search by the API: the same question and the same limits as the page."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import request
from werkzeug.wrappers import Response

from collab.api import shapes
from collab.api.door import answer, bp, limit
from collab.api.spaces import readable
from collab.core.errors import Invalid, Missing
from collab.core.i18n import N_
from collab.web.runtime import current_runtime
from collab.web.searching import Asked
from collab.web.view import dbsession, viewer


@bp.get("/search")
def search() -> Response:
    """`q`, and to narrow it: `space` (an address), `tool`; `order=newest`; `limit`, `cursor`."""
    words = request.args.get("q", "").strip()
    if not words:
        raise Invalid(q=N_("Ce champ est nécessaire."))
    runtime = current_runtime()
    tool = request.args.get("tool") or None
    if tool is not None and tool not in runtime.tools.names():
        raise Missing(N_("Cet outil n’existe pas."))
    address = request.args.get("space")
    asked = Asked(
        words=words,
        space=readable(address) if address else None,
        tool=tool,
        order="newest" if request.args.get("order") == "newest" else "best",
        limit=limit(),
        cursor=request.args.get("cursor") or None,
    )
    found = runtime.search.find(dbsession(), viewer(), asked)
    rows = [
        {
            "id": hit.item.uid,
            "title": hit.item.title,
            "title_html": str(hit.title),
            "excerpt": str(hit.excerpt),
            "space": hit.space.address,
            "tool": hit.tool.name,
            "kind": hit.item.kind,
            "author": shapes.person(hit.item.author),
            "created_at": shapes.instant(hit.item.created_at),
            "url": runtime.settings.origin + hit.url,
        }
        for hit in found.results
    ]
    told = {"results": rows, "total": found.total, "suggestion": found.suggestion}
    response = answer(told)
    if found.next_cursor:
        query = request.args.to_dict() | {"cursor": found.next_cursor}
        url = f"{runtime.settings.origin}{request.path}?{urlencode(query)}"
        response.headers["Link"] = f'<{url}>; rel="next"'
    return response
