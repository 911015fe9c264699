"""Answering with a file for paper: made aside, not made again for who has it already."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from collab.core.paper.press import press
from collab.web.presentation import address_of
from collab.web.security import limiter
from collab.web.view import dbsession
from collab.web.weave import weave

KINDS = {
    "pdf": "application/pdf",
    "odt": "application/vnd.oasis.opendocument.text",
    "epub": "application/epub+zip",
}
"""Kinds of files, and what they are called in `Content-Type`."""
limited = limiter.shared_limit("20 per minute", scope="paper")
"""How often one reader may have files made, of whatever kind."""
BOUNDS = 80
"""Pixels of a cloth on paper; it is drawn in lines, and may be any size."""


def cloth(subject: object) -> str:
    """The cloth of a space or an instance, as a drawing of its own."""
    drawn = weave(address_of(subject), BOUNDS)
    return drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


def printed(kind: str, form: str, data: dict[str, Any], *, file: str, name: str = "") -> Response:
    """A file as an answer: what it is called, and 304 for who has the same one.

    `file` is its name without an ending; its figures are remembered under `name`.

    Raises:
        NotPrinted: it is too long, or could not be made.
    """
    mark = sha256(json.dumps([kind, form, data], sort_keys=True).encode()).hexdigest()[:32]
    answer = Response(mimetype=KINDS[kind])
    answer.set_etag(mark)
    answer.headers["Cache-Control"] = "private, no-cache"
    if request.if_none_match.contains(mark):
        answer.status_code = 304
        return answer
    dbsession().rollback()  # nobody waits for this connection while the sheet is made
    made = press(kind, form, data, name=name)
    answer.set_data(made.body)
    answer.headers.set("Content-Disposition", "attachment", filename=f"{file}.{kind}")
    return answer
