"""Speaking instead of writing: the page that takes a recording, and the way to hear one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import current_app, redirect, request
from flask_babel import gettext
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from collab.core.errors import Invalid, Missing, Problem
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.core.markup import excerpt, plain
from collab.core.work import Work
from collab.spaces.files import Upload, file_of
from collab.spaces.models import Role, Space
from collab.spaces.policy import require
from collab.spaces.tools.discussion.act_routes import bp
from collab.spaces.tools.discussion.addresses import place
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.models import Said, Thread
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.spaces.tools.discussion.views import (
    answered_in,
    errors_of,
    readable,
    room,
    shown,
    thread_at,
    typed_form,
    writing,
)
from collab.web.files import EVERY, link_to, uploaded_sound
from collab.web.once import do_once, done_at
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, require_login, viewer, working

ROOM = bp
"""The blueprint of the room, with the addresses of this module."""
NO_SOUND = N_("Enregistrez d’abord votre message, ou choisissez un fichier de son.")
UNSAID = N_("Écrivez ce qui est dit, ou cochez « Je n’écris pas ce qui est dit ».")
GONE = N_("Ce son n’est pas encore arrivé ici, ou n’existe plus. Réessayez dans un moment.")


@bp.get("/new/voice")
def open_by_voice(address: str) -> str:
    """The page that takes a recording which opens a thread."""
    return _form(room(address), None, typed=request.args, errors={})


@bp.post("/new/voice")
@writing
def opened_by_voice(address: str) -> Response | tuple[str, int]:
    """Open a thread with a recording."""
    space = room(address)
    return _spoken(space, None, lambda work, sound: open_thread(work, space, _opening(sound)))


@bp.get("/<uid>/voice")
def voice(address: str, uid: str) -> str:
    """The page that takes a recording which answers."""
    space, thread = thread_at(address, uid)
    return _form(space, thread, typed={"reply_to": request.args.get("reply", "")}, errors={})


@bp.post("/<uid>/voice")
@writing
def speak(address: str, uid: str) -> Response | tuple[str, int]:
    """Publish a recording as a message of the thread."""
    space, thread = thread_at(address, uid)
    return _spoken(
        space, thread, lambda work, sound: post_message(work, space, _answer(thread, sound))
    )


def _opening(sound: Upload | None) -> OpenThread:
    return parse(OpenThread, typed_form(), voice=sound)


def _answer(thread: Thread, sound: Upload | None) -> PostMessage:
    return parse(PostMessage, typed_form(thread=thread.uid), voice=sound)


def _spoken(
    space: Space, thread: Thread | None, say: Callable[[Work, Upload | None], Said]
) -> Response | tuple[str, int]:
    """Take the recording in and say it; the form again, with the recording, where it cannot be."""
    require_login()
    sound = None
    try:
        sound = uploaded_sound("voice", space) or _kept()
        with working() as work:
            require(work, space, Role.MEMBER)
            _said_or_not(sound)
            said = do_once(work, lambda: say(work, sound))
    except Problem as problem:
        errors = errors_of(problem)
        page = _form(space, thread, typed=request.form, errors=errors, sound=sound)
        return page, problem.status
    return done_at(place(dbsession(), viewer(), space, said))


@bp.get("/m/<uid>/sound")
def sound(address: str, uid: str) -> Response:
    """Where the sound of a message is for this reader, for the next minutes (R62).

    A sound of elsewhere that is not here yet is fetched, by us: no reader asks another host.
    """
    _, item = readable(address, uid)
    file = file_of(dbsession(), item)
    if file is None or not (file.held or current_runtime().network.bring_file(item)):
        raise Missing(GONE)
    answer = redirect(link_to(file, viewer()), 303)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _said_or_not(sound: Upload | None) -> None:
    """A recording comes with its words, or with the word that it has none (R-18)."""
    wrong = {}
    if sound is None:
        wrong["voice"] = gettext(NO_SOUND)
    if not request.form.get("body", "").strip() and not request.form.get("untold"):
        wrong["body"] = gettext(UNSAID)
    if wrong:
        raise Invalid(**wrong)


def _form(space: Space, thread: Thread | None, *, sound: Upload | None = None, **more: Any) -> str:
    """The page that takes a recording; one that came and could not be published yet is kept."""
    answers = answered_in(space, thread, more["typed"].get("reply_to")) if thread else None
    return shown(
        "voice",
        space,
        thread=thread,
        answers=answers,
        quoted=excerpt(plain(answers.html), 120) if answers else "",
        limits=current_runtime().settings.files,
        kept=_keeper().dumps(_facts(sound)) if sound else "",
        sound=sound,
        **more,
    )


def _facts(sound: Upload) -> list[Any]:
    return [
        require_login().actor_id,
        sound.digest,
        sound.kind,
        sound.size,
        sound.seconds,
        sound.url,
    ]


def _kept() -> Upload | None:
    """The recording that came with the form before, if it is still here and this person's own."""
    try:
        told = _keeper().loads(request.form.get("kept", ""), max_age=int(EVERY) - 60)
    except BadSignature:
        return None
    runtime = current_runtime()
    if told[0] != require_login().actor_id or not runtime.blobs.holds(told[1]):
        return None
    _, digest, kind, size, seconds, url = told
    most = runtime.settings.files.project
    return Upload(digest, kind, size, seconds, url, most=most)


def _keeper() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="kept recording")
