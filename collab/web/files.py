"""Files that people upload: let in by their bytes, handed out by address (R30, R62, R63, R64).

A file has one address, `/f/<digest>/<name>`, on this instance's second name where it has one. No
session is read or written there. What is in a public project is for everybody; anything else is
for whoever holds a link made for one reader a few minutes ago, or an instance that signs for it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, current_app, request, send_file
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask.wrappers import Request
from flask_babel import gettext, ngettext
from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from collab.core.blobs import Blobs
from collab.core.db import now
from collab.core.errors import Invalid
from collab.core.jobs import Handler
from collab.core.multihash import multihash_of
from collab.core.service import Service, seldom
from collab.core.sounds import KINDS, NotASound, Sound, heard
from collab.people.models import Actor
from collab.spaces.files import FORGET, StoredFile, Upload, forget, held_files, may_have
from collab.spaces.models import Role, Space, Visibility
from collab.spaces.policy import role_of
from collab.web.extensions import db
from collab.web.presentation import filesize
from collab.web.runtime import Runtime, current_runtime
from collab.web.view import viewer

PLACE = "/f/"
LINK_LIVES = 600
"""Seconds that a link made for one reader lasts (R62)."""
EVERY = 3600.0
"""Seconds between two looks at bytes that nothing needs; what is younger is left alone."""
POLICY = "default-src 'none'; media-src 'self'; frame-ancestors 'none'; sandbox"
WITHOUT = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}


def register(app: Flask) -> None:
    """Give the app its files. Before all that looks at who asks."""
    runtime: Runtime = app.extensions["collab"]
    runtime.blobs = Blobs(runtime.settings.instance / "files")
    app.session_interface = NoneForFiles()
    app.before_request(_nothing_else_there)
    app.jinja_env.filters["lasting"] = lasting
    app.jinja_env.globals["words_to_record"] = words_to_record
    runtime.handlers[FORGET] = Handler(lambda session, jobs: forget(session, runtime.blobs, jobs))
    runtime.services.append(Service("files", seldom(lambda: _sweep(runtime), EVERY), rest=EVERY))


class NoneForFiles(SecureCookieSessionInterface):
    """Sessions as ever, but none where files are: read or written by nobody there (R64)."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """An empty session for a file, that of the reader for a page."""
        return self.session_class() if _is_for_files() else super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write nothing beside a file."""
        if not _is_for_files():
            super().save_session(app, session, response)  # type: ignore[arg-type]


def _is_for_files() -> bool:
    return request.path.startswith(PLACE) or is_media_host()


def is_media_host() -> bool:
    """Whether this request came by the name that is for files alone."""
    there = current_runtime().settings.media_host
    return bool(there) and request.host.lower() == there


def _nothing_else_there() -> Response | None:
    """No page is shown by the name that is for files."""
    return not_here() if is_media_host() and not request.path.startswith(PLACE) else None


def not_here() -> Response:
    """One answer, whatever the reason (R33)."""
    return Response(status=404, headers=WITHOUT)


# In


def uploaded_sound(field: str, space: Space) -> Upload | None:
    """The sound that came in a field of a form, kept; None when none came.

    Whatever its name and header say, it is what its bytes are; how large and how long it may be is
    looked at before anything else is done with it (R63). Nothing is taken from whoever may not
    write in `space`; the operation tells them so. Raises Invalid, at that field.
    """
    sent, writer = request.files.get(field), viewer()
    if sent is None or not sent.filename or writer is None:
        return None
    if role_of(db.session(), space, writer.id) < Role.MEMBER:
        return None
    runtime = current_runtime()
    limits = runtime.settings.files
    content = sent.stream.read(limits.voice + 1)
    if len(content) > limits.voice:
        most = filesize(limits.voice)
        heavy = gettext("Cet enregistrement est trop lourd : %(most)s au plus.", most=most)
        raise Invalid(**{field: heavy})
    sound = _heard(content, field)
    if sound.seconds > limits.voice_seconds:
        most = lasting(limits.voice_seconds)
        long = gettext("Cet enregistrement est trop long : %(most)s au plus.", most=most)
        raise Invalid(**{field: long})
    digest = runtime.blobs.put(content)
    url = f"{runtime.settings.media_origin}{path_of(digest, sound.kind)}"
    return Upload(digest, sound.kind, len(content), sound.seconds, url, most=limits.project)


def _heard(content: bytes, field: str) -> Sound:
    try:
        return current_runtime().aside(lambda: heard(content))
    except NotASound as error:
        words = gettext("Ce fichier n’est pas un son que l’on peut lire ici. Essayez un autre.")
        raise Invalid(**{field: words}) from error


def lasting(seconds: int) -> str:
    """How long a sound lasts, in words: « 42 secondes », « 1 minute 5 secondes »."""
    minutes, left = divmod(seconds, 60)
    said = [ngettext("%(num)s minute", "%(num)s minutes", minutes)] if minutes else []
    if left or not minutes:
        said.append(ngettext("%(num)s seconde", "%(num)s secondes", left))
    return " ".join(said)


def words_to_record() -> dict[str, str]:
    """What the recorder may say (static/voice.js), in the page's tongue."""
    return {
        "start": gettext("Commencer l’enregistrement"),
        "stop": gettext("Arrêter"),
        "pause": gettext("Pause"),
        "resume": gettext("Reprendre"),
        "drop": gettext("Jeter et recommencer"),
        "ready": gettext("Rien n’est enregistré encore. Appuyez pour commencer."),
        "on": gettext("L’enregistrement tourne."),
        "held": gettext("En pause."),
        "soon": gettext("Encore 30 secondes."),
        "done": gettext("C’est enregistré. Vous pouvez l’écouter avant de publier."),
        "full": gettext("La durée la plus longue est atteinte : l’enregistrement s’est arrêté."),
        "length": gettext("Durée : {minutes} min {seconds} s"),
        "listen": gettext("Votre enregistrement"),
        "denied": gettext("Le micro n’est pas permis ou manque. Choisissez plutôt un fichier."),
        "sending": gettext("Envoi en cours…"),
        "unsent": gettext("Ce n’est pas parti. Le son est gardé sur cette page : réessayez."),
    }


# Out


def path_of(digest: str, kind: str) -> str:
    """The path of a file: its content's name, and a file name that we make."""
    return f"{PLACE}{multihash_of(digest)}/message-vocal.{KINDS[kind]}"


def link_to(file: StoredFile, reader: Actor | None) -> str:
    """The address of a file for one reader, now; who may have it is the caller's to decide."""
    settings = current_runtime().settings
    origin = settings.media_origin if settings.media_host else ""
    path = origin + path_of(file.digest, file.kind)
    if file.space.visibility == Visibility.PUBLIC or reader is None:
        return path
    return f"{path}?k={_sealer().dumps([file.id, reader.id])}"


def opened_by_link(file: StoredFile, seal: str) -> bool:
    """Whether a link was made for this file in the last LINK_LIVES seconds, and its reader may
    still have it."""
    try:
        told = _sealer().loads(seal, max_age=LINK_LIVES)
    except BadSignature:
        return False
    reader = db.session.get(Actor, told[1])
    return told[0] == file.id and reader is not None and may_have(db.session(), file, reader)


class Clocked(TimestampSigner):
    """By the clock of this instance."""

    def get_timestamp(self) -> int:
        """Seconds since 1970."""
        clock = current_runtime().clock or now
        return int(clock().timestamp())


def _sealer() -> URLSafeTimedSerializer:
    key = str(current_app.secret_key)
    return URLSafeTimedSerializer(key, salt="file", signer=Clocked)


def handed_out(file: StoredFile) -> Response:
    """The bytes of a file, or the part that is asked for, as what they are and nothing else."""
    place = current_runtime().blobs.path(file.digest)
    if not place.is_file():
        return not_here()
    public = file.space.visibility == Visibility.PUBLIC
    response: Response = send_file(
        place.resolve(),
        mimetype=file.kind,
        conditional=True,
        etag=file.digest,
        as_attachment=file.kind not in KINDS,
        download_name=urlsplit(path_of(file.digest, file.kind)).path.rpartition("/")[2],
    )
    headers = response.headers
    headers["Cache-Control"] = "public, max-age=600" if public else "private, no-store"
    headers["Content-Security-Policy"] = POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    away = bool(current_runtime().settings.media_host)
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if away else "same-origin"
    return response


def _sweep(runtime: Runtime) -> int:
    """Let bytes go that no file needs: of a message that was refused after they had come.

    Returns how many were let go.
    """
    gone = 0
    with runtime.app.app_context():
        for digest in runtime.blobs.older_than(EVERY):
            if not held_files(db.session(), digest):
                runtime.blobs.drop(digest)
                gone += 1
        db.session.commit()
    return gone
