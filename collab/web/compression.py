"""Pages go out compressed to whoever accepts it, and not at all to whoever has them already.

What a page reflects of its address is compressed together with what it keeps secret, which lets
somebody who sees lengths, and makes the reader's browser open addresses, guess a secret that is the
same in every answer (BREACH). SameSite=Lax does not prevent it: the cookie goes along when another
site opens a page. But a form token is no such secret: its signature is another one each second, and
what stays the same of it, the session's part, is worth nothing without one. For the words of a page
the length of each answer is blurred, which makes guessing slow, not impossible: by a name of random
length in the gzip header, by a block of metadata (RFC 7932, 9.2) of random length in Brotli.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from hashlib import blake2b
from secrets import randbelow

import brotli
from flask import Flask, Response, g, request, session

WORTH_IT = 1000
"""Bytes below which a page is left as it is."""
GZIP_LEVEL = 5
BROTLI_LEVEL = 5
BLUR = 100
METADATA = 0b01_0_11_0
"""The first six bits of a block of metadata whose length fits in one byte, the first one last."""
DEPENDS = ("Accept-Encoding", "Accept-Language", "Cookie", "Save-Data")
"""What every page looks at; `Accept` is added with the other headers."""


def register(app: Flask) -> None:
    """Compress every page this app answers with, and answer 304 for what has not changed."""
    app.after_request(_lightened)


def _lightened(response: Response) -> Response:
    if response.mimetype != "text/html" or response.is_streamed or response.direct_passthrough:
        return response
    response.vary.update(DEPENDS)
    if "Content-Encoding" in response.headers:
        return response
    body = response.get_data()
    if request.method == "GET" and response.status_code == 200 and _may_be_kept(response):
        response.set_etag(_mark(body), weak=True)
        response.make_conditional(request)
        if response.status_code == 304:
            return response
    coding = next((name for name in CODINGS if request.accept_encodings[name]), "")
    if coding and len(body) >= WORTH_IT:
        response.set_data(CODINGS[coding](body))
        response.headers["Content-Encoding"] = coding
    return response


def _may_be_kept(response: Response) -> bool:
    return "no-store" not in response.headers.get("Cache-Control", "")


def _mark(body: bytes) -> str:
    """A mark of what the page says.

    Form tokens are signed anew each time, and every one of the same session stays good: what
    counts is the secret behind them.
    """
    token = g.get("csrf_token", "").encode()
    secret = str(session.get("csrf_token", "")).encode()
    said = body.replace(token, b"") if token else body
    if "dress" in g:
        said = said.replace(g.dress.written.encode(), g.dress.linked.encode())
    return blake2b(said, key=secret[:64], digest_size=12).hexdigest()


def brotlied(body: bytes) -> bytes:
    """The body as Brotli, its length blurred."""
    packer = brotli.Compressor(quality=BROTLI_LEVEL)
    packed = packer.process(body) + packer.flush()
    spare = randbelow(BLUR) + 1
    block = (METADATA | (spare - 1) << 6).to_bytes(2, "little") + b"-" * spare
    return bytes(packed + block + packer.finish())


def squeezed(body: bytes) -> bytes:
    """The body as gzip, its length blurred."""
    held = io.BytesIO()
    name = "-" * randbelow(BLUR)
    with gzip.GzipFile(name, "wb", GZIP_LEVEL, held, mtime=0) as zipped:
        zipped.write(body)
    return held.getvalue()


CODINGS: dict[str, Callable[[bytes], bytes]] = {"br": brotlied, "gzip": squeezed}
"""How a page may be written, the smaller first."""
