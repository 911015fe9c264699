"""Pages go out gzipped to whoever accepts it: five times fewer bytes for a long thread.

What a page reflects and what it keeps secret (the form token) are compressed together, which lets
somebody guess the secret by length (BREACH) who can make the reader's browser ask for pages of the
reader's session. The session's cookie is SameSite=Lax, so other sites cannot; as a second bar the
length of each answer is blurred by a name of random length in the gzip header.
"""

from __future__ import annotations

import gzip
import io
from secrets import randbelow

from flask import Flask, Response, request

WORTH_IT = 1000
"""Bytes below which a page is left as it is."""
LEVEL = 5
BLUR = 100


def register(app: Flask) -> None:
    """Compress every page this app answers with."""
    app.after_request(_compressed)


def _compressed(response: Response) -> Response:
    if response.mimetype != "text/html" or response.is_streamed or response.direct_passthrough:
        return response
    response.vary.add("Accept-Encoding")
    if "Content-Encoding" in response.headers or not request.accept_encodings["gzip"]:
        return response
    body = response.get_data()
    if len(body) >= WORTH_IT:
        response.set_data(squeezed(body))
        response.headers["Content-Encoding"] = "gzip"
    return response


def squeezed(body: bytes) -> bytes:
    """The body as gzip, its length blurred."""
    held = io.BytesIO()
    name = "-" * randbelow(BLUR)
    with gzip.GzipFile(name, "wb", LEVEL, held, mtime=0) as zipped:
        zipped.write(body)
    return held.getvalue()
