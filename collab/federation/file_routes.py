"""The one address of files: for readers by what they may see, for instances by their signature."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, request
from werkzeug.wrappers import Response

from collab.core.multihash import digest_from
from collab.federation.gate import Sender, authenticate
from collab.federation.house import Federation
from collab.federation.reading import Asker
from collab.federation.routes import message_of
from collab.federation.signatures import Refused
from collab.spaces.files import StoredFile, held_files, is_open
from collab.spaces.models import Visibility
from collab.web.extensions import db
from collab.web.files import handed_out, is_media_host, not_here, opened_by_link
from collab.web.runtime import current_runtime

bp = Blueprint("files", __name__)


@bp.get("/f/<digest>/<name>")
def file(digest: str, name: str) -> Response:
    """The bytes with that digest, for whoever may have them as part of anything; else 404 (R62).

    `name` is for people: it is not looked at. No session is opened here (see web.files).
    """
    settings = current_runtime().settings
    sender = _sender()
    if settings.media_host and not is_media_host() and sender is None:
        return redirect(settings.media_origin + request.full_path.rstrip("?"))
    for one in held_files(db.session(), digest_from(digest)):
        if _may_have(one, sender):
            return handed_out(one)
    return not_here()


def _may_have(file: StoredFile, sender: Sender | None) -> bool:
    seal = request.args.get("k")
    if seal:
        return opened_by_link(file, seal)
    if not is_open(db.session(), file):
        return False
    if sender is not None:
        return _entitled(file, sender)
    return file.space.visibility == Visibility.PUBLIC and "Signature" not in request.headers


def _entitled(file: StoredFile, sender: Sender) -> bool:
    """An instance with somebody in the project, or the project's own host (R35)."""
    federation, space = _federation(), file.space
    if not federation.admits(sender.host):
        return False
    if not space.local and space.federates and sender.host == space.host:
        return True
    return Asker(federation, lambda: sender).may_read(space)


def _sender() -> Sender | None:
    """Who signed; None for those who did not, or not so that it counts."""
    if "Signature" not in request.headers:
        return None
    try:
        return authenticate(_federation(), message_of(request))
    except Refused:
        return None


def _federation() -> Federation:
    federation: Federation = current_app.extensions["collab.federation"]
    return federation
