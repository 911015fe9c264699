"""Static files: named by their content, cached for a year, compressed once.

A file is compressed the first time that somebody asks for it, as well as Brotli and gzip can, and
kept so as long as the process lives. Its name carries a mark of its content: what is asked for by
that name never changes and is never asked for again.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import brotli
from flask import Blueprint, Flask, abort, request
from werkzeug.wrappers import Response

FOLDER = Path(__file__).resolve().parent.parent / "static"
YEAR = 31_536_000
MINUTES = 300
WORTH_COMPRESSING = (".css", ".js", ".svg", ".json", ".webmanifest")
MARKED = re.compile(r"(.+)\.([0-9a-f]{12})(\.[a-z0-9]+)")
mimetypes.add_type("text/javascript", ".js")

bp = Blueprint("static", __name__)


@dataclass(frozen=True)
class Asset:
    """A static file: its bytes under each name that Accept-Encoding may give, and its mark."""

    bodies: Mapping[str, bytes]
    mark: str
    kind: str


def register(app: Flask) -> None:
    """Serve `collab/static/` and give templates `asset(name)`."""
    app.register_blueprint(bp)
    app.jinja_env.globals["asset"] = asset


def asset(name: str) -> str:
    """The address of a static file, with the mark of its content: it may be cached for ever.

    A file that is not there (browser libraries are fetched at install) gives an empty string, so
    that the page leaves it out.
    """
    if name not in names():
        return ""
    stem, dot, ending = name.rpartition(".")
    return f"/static/{stem}.{read(name)[1]}{dot}{ending}"


@bp.get("/static/<path:name>", endpoint="file")
def serve(name: str) -> Response:
    """A static file; unchanged ones are answered with 304.

    An old mark (a page from before an update) gives the file as it is now, for a short while.
    """
    plain, mark = _asked(name)
    if plain not in names():
        abort(404)
    found = load(plain)
    accepted = [c for c in ("br", "gzip") if c in found.bodies and request.accept_encodings[c]]
    coding = next(iter(accepted), "")
    response = Response(found.bodies[coding], content_type=found.kind)
    if coding:
        response.headers["Content-Encoding"] = coding
    lasting = mark == found.mark
    response.headers["Cache-Control"] = (
        f"public, max-age={YEAR}, immutable" if lasting else f"public, max-age={MINUTES}"
    )
    response.vary.add("Accept-Encoding")
    response.set_etag(f"{found.mark}-{coding}" if coding else found.mark)
    return response.make_conditional(request)


def size_of(name: str) -> int:
    """How many bytes a static file has, asked for with or without its mark; 0: there is none."""
    plain, _mark = _asked(name)
    return len(read(plain)[0]) if plain in names() else 0


def _asked(name: str) -> tuple[str, str]:
    """The file's own name and the mark it was asked by ("" when it was asked without)."""
    marked = None if name in names() else MARKED.fullmatch(name)
    return (marked[1] + marked[3], marked[2]) if marked else (name, "")


@cache
def names() -> frozenset[str]:
    """Every static file there is; nothing else is looked for, whatever an address says."""
    files = (path for path in FOLDER.rglob("*") if path.is_file())
    return frozenset(path.relative_to(FOLDER).as_posix() for path in files)


@cache
def read(name: str) -> tuple[bytes, str]:
    """The content and the mark of a static file."""
    body = (FOLDER / name).read_bytes()
    return body, hashlib.sha256(body).hexdigest()[:12]


@cache
def load(name: str) -> Asset:
    """A static file in every coding that makes it smaller."""
    body, mark = read(name)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    bodies = {"": body}
    if Path(name).suffix in WORTH_COMPRESSING:
        packed = {"br": brotli.compress(body), "gzip": gzip.compress(body, 9, mtime=0)}
        bodies |= {coding: small for coding, small in packed.items() if len(small) < len(body)}
        kind = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    return Asset(bodies, mark, kind)
