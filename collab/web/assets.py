"""Static files: named by their content, cached for a year, compressed once."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from flask import Blueprint, Flask, abort, request
from werkzeug.wrappers import Response

FOLDER = Path(__file__).resolve().parent.parent / "static"
YEAR = 31_536_000
WORTH_COMPRESSING = (".css", ".js", ".svg", ".json", ".webmanifest")
mimetypes.add_type("text/javascript", ".js")

bp = Blueprint("static", __name__)


def register(app: Flask) -> None:
    """Serve `collab/static/` and give templates `asset(name)`."""
    app.register_blueprint(bp)
    app.jinja_env.globals["asset"] = asset


def asset(name: str) -> str:
    """The address of a static file, with the mark of its content: it may be cached for ever.

    A file that is not there (browser libraries are fetched at install) gives an empty string, so
    that the page leaves it out.
    """
    found = _load(name)
    return f"/static/{name}?v={found[1]}" if found else ""


@bp.get("/static/<path:name>", endpoint="file")
def serve(name: str) -> Response:
    """A static file; unchanged ones are answered with 304."""
    found = _load(name)
    if found is None:
        abort(404)
    body, mark, zipped = found
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = Response(body, content_type=kind)
    if zipped and "gzip" in request.accept_encodings.values():
        response.set_data(zipped)
        response.headers["Content-Encoding"] = "gzip"
    lasting = request.args.get("v") == mark
    response.headers["Cache-Control"] = (
        f"public, max-age={YEAR}, immutable" if lasting else "public, max-age=300"
    )
    response.headers["Vary"] = "Accept-Encoding"
    response.set_etag(mark)
    return response.make_conditional(request)


@cache
def _load(name: str) -> tuple[bytes, str, bytes] | None:
    """Content, mark, gzipped content (empty when not worth it). None if there is no such file."""
    path = (FOLDER / name).resolve()
    if not path.is_relative_to(FOLDER) or not path.is_file():
        return None
    body = path.read_bytes()
    zipped = gzip.compress(body, 9, mtime=0) if path.suffix in WORTH_COMPRESSING else b""
    return body, hashlib.sha256(body).hexdigest()[:12], zipped
