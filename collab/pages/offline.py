"""What makes the site installable and readable offline: manifest, icons, service worker."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache

from flask import Blueprint, abort, render_template, request
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.tongues import TONGUES
from collab.people.logo import shown_logo
from collab.people.queries import site
from collab.web.assets import MINUTES, asset, read
from collab.web.compression import CODINGS
from collab.web.icon import png, svg
from collab.web.runtime import current_runtime
from collab.web.tongues import text_direction
from collab.web.view import dbsession

bp = Blueprint("offline", __name__, template_folder="templates")
PAGE = "/hors-ligne"
MOST_PAGES = 60
"""How many pages a browser keeps; the one read longest ago goes first."""
FILES = ("collab.css", "offline.js", "aloud.js")
"""What the page for when there is no network needs; other files are kept as they are used."""
SIZES = (192, 512)
PAPER = "#fffdf8"


@bp.get("/sw.js")
def worker() -> Response:
    """The service worker; another one as soon as a file of ours is another."""
    told = {
        "version": version(),
        "files": [asset(name) for name in FILES],
        "offline": PAGE,
        "most": MOST_PAGES,
        "words": words(),
    }
    script = f"const C = {json.dumps(told, ensure_ascii=False)};\n{code()}".encode()
    response = Response(script, content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept-Encoding")
    coding = next((name for name in CODINGS if request.accept_encodings[name]), "")
    if coding:
        response.set_data(CODINGS[coding](script))
        response.headers["Content-Encoding"] = coding
    return response


@cache
def code() -> str:
    """The worker without its comments and indentation, which are for whoever reads the file."""
    source, _mark = read("sw.js")
    return re.sub(r"^ *(/\*.*?\*/\n)? *", "", source.decode(), flags=re.MULTILINE | re.DOTALL)


@cache
def version() -> str:
    """The mark of every file that the worker keeps from the start, and of itself."""
    marks = "".join(read(name)[1] for name in (*FILES, "sw.js"))
    return hashlib.sha256(marks.encode()).hexdigest()[:12]


def words() -> dict[str, dict[str, str]]:
    """All that the worker and offline.js may have to say, in every language."""
    told = {}
    for tongue in TONGUES:
        with force_locale(tongue.catalogue):
            told[tongue.code] = _words()
    return told


def _words() -> dict[str, str]:
    return {
        "copy": _("Pas de réseau. Vous lisez la version du {date}."),
        "again": _("Réessayer"),
        "pending": _("pas encore envoyé"),
        "refused": _("pas accepté"),
        "soon": _("Il partira tout seul quand le réseau reviendra, une seule fois."),
        "mend": _("Votre texte est gardé ici : reprenez-le, ou effacez-le."),
        "out": _("Un message attend. Reconnectez-vous : il partira ensuite."),
        "old": _(
            "Il attend depuis plus de deux jours. Regardez s’il n’est pas déjà dans la discussion "
            "; sinon, réessayez."
        ),
        "login": _("Se connecter"),
        "open": _("Ouvrir la page"),
        "take": _("Reprendre le texte"),
        "drop": _("Effacer ce texte"),
        "some": _("Un message n’est pas encore envoyé."),
        "sent": _("Votre message est envoyé."),
        "see": _("Voir"),
        "leaving": _(
            "Un message n’est pas encore envoyé. Partir maintenant l’effacera. "
            "Pour partir quand même, recommencez."
        ),
        "nothing": _("Aucune page n’est gardée ici."),
    }


@bp.get(PAGE)
def without_network() -> str:
    """What is kept on this device; shown by itself where there is neither network nor copy."""
    return render_template("offline/offline.html")


@bp.get("/manifest.webmanifest")
def manifest() -> Response:
    """How the site is named and looks once it is installed (W3C Web Application Manifest)."""
    row = site(dbsession())
    told = {
        "id": "/",
        "name": row.name,
        "short_name": row.name if len(row.name) <= 12 else row.name.split()[0][:12],
        "description": row.tagline,
        "lang": str(get_locale()),
        "dir": text_direction(),
        "start_url": "/",
        "scope": "/",
        "display": "minimal-ui",
        "background_color": PAPER,
        "theme_color": PAPER,
        "icons": _icons(),
    }
    return _lasting(json.dumps(told, ensure_ascii=False), "application/manifest+json")


def _icons() -> list[dict[str, str]]:
    """The logo where it is a square, else the cloth; the address says which, for caches."""
    logo = shown_logo(dbsession())
    own = logo is not None and logo.square
    icons = [] if own else [{"src": "/icon.svg", "sizes": "any", "type": "image/svg+xml"}]
    for size in SIZES:
        for purpose in ("any", "maskable"):
            src = f"/icon-{size}.png" + (f"?logo={logo.mark}" if logo and own else "")
            wide = f"{size}x{size}"
            icons.append({"src": src, "sizes": wide, "type": "image/png", "purpose": purpose})
    return icons


@bp.get("/icon.svg")
def icon() -> Response:
    """The icon of this site, drawn from its name."""
    return _lasting(svg(current_runtime().settings.host), "image/svg+xml")


@bp.get("/icon-<int:size>.png")
def picture(size: int) -> Response:
    """The icon in one of the sizes of the manifest: the logo, or drawn from the name."""
    if size not in SIZES:
        abort(404)
    logo = shown_logo(dbsession())
    own = logo and (logo.icon_small if size == SIZES[0] else logo.icon_large)
    return _lasting(own or png(current_runtime().settings.host, size), "image/png")


def _lasting(body: str | bytes, kind: str) -> Response:
    response = Response(body, content_type=kind)
    response.headers["Cache-Control"] = f"public, max-age={MINUTES}"
    return response
