"""What a browser may keep of this site: pages somebody read, for that person alone.

Every page says whose it is, by a tag that means nothing elsewhere, and whether it may be kept to
be read offline. The service worker (static/sw.js) keeps pages of one reader at a time: as soon as
a page is somebody else's, it wipes those of the person before. At a shared computer nothing is
kept at all.
"""

from __future__ import annotations

import json
from hashlib import blake2b

from flask import Flask, current_app, request, session
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.web.runtime import current_runtime
from collab.web.using import idle_time

HEADER = "Collab-Page"
SHARED = "shared"
"""In a session: this computer is not the reader's own."""
STRANGER, NOBODY = "-", "none"
READ = frozenset(
    [
        "site.home",
        "site.about",
        "site.mentions",
        "accessibility.statement",
        "site.instances",
        "site.person",
        "spaces.home",
        "spaces.members",
    ]
)
"""Pages of the house that may be kept, besides the rooms. What serves to administer never is."""


def register(app: Flask) -> None:
    """Let pages say whose they are. After compression, so that this runs before it."""
    app.after_request(_told)
    app.jinja_env.globals["shared_computer"] = shared_computer
    app.jinja_env.globals["words_aloud"] = words_aloud
    app.jinja_env.globals["idle_time"] = idle_time


def shared_computer() -> bool:
    """Whether the reader said, on coming in, that others use this computer."""
    return bool(session.get(SHARED))


def words_aloud() -> str:
    """What the player that reads aloud may say (static/aloud.js), as JSON, in the page's tongue."""
    told = {
        "listen": _("Écouter"),
        "player": _("Lecture à voix haute"),
        "pause": _("Pause"),
        "resume": _("Reprendre"),
        "stop": _("Arrêter"),
        "speed": _("Vitesse"),
        "voice": _("Voix"),
        "none": _("Cet appareil n’a pas de voix pour cette langue : {language}."),
    }
    return json.dumps(told, ensure_ascii=False)


def reader() -> str:
    """The tag of whoever looks: always the same for one account here, and no name."""
    if shared_computer():
        return NOBODY
    known = session.get("account_id")
    if known is None:
        return STRANGER
    key = str(current_app.secret_key).encode()[:64]
    return blake2b(str(known).encode(), key=key, digest_size=9).hexdigest()


def _told(response: Response) -> Response:
    if response.mimetype != "text/html":
        return response
    if shared_computer():
        response.headers["Cache-Control"] = "no-store"
    kept = " keep" if _may_be_kept(response) else ""
    response.headers[HEADER] = reader() + kept
    return response


def _may_be_kept(response: Response) -> bool:
    if request.method != "GET" or response.status_code != 200 or shared_computer():
        return False
    if "no-store" in response.headers.get("Cache-Control", ""):
        return False
    rooms = {tool.blueprint.name for tool in current_runtime().tools}
    return request.endpoint in READ or request.blueprint in rooms
