"""Threads and messages as ActivityStreams Notes, and back (FEDERATION.md 1.6 a).

Both are voices: they belong to their author. What is sent is made of stored columns alone, and
reading it gives those columns again, so that the host and every mirror tell the same object.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session
from ulid import ULID

from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.markup import excerpt, plain
from collab.core.work import Work
from collab.federation import vocab
from collab.spaces.files import attach, file_of
from collab.spaces.hiding import is_hidden
from collab.spaces.items import MAX_TITLE, by_iri, by_uid
from collab.spaces.models import Item, Space, Visibility
from collab.spaces.tool import Json, ObjectMapping
from collab.spaces.tools.discussion.asking import keep_poll
from collab.spaces.tools.discussion.elsewhere import SAID, html_of, is_said, language_of
from collab.spaces.tools.discussion.inputs import EditMessage, OpenThread, PostMessage, Received
from collab.spaces.tools.discussion.models import Message, Said, Thread
from collab.spaces.tools.discussion.operations import edit_message, open_thread, post_message
from collab.spaces.tools.discussion.places import HoldPlace, hold_place
from collab.spaces.tools.discussion.recordings import recording_object, recording_of, upload_of

MAX_REMOTE_SOURCE = 100_000
AHEAD = timedelta(minutes=5)
"""How far in our future another clock may be (FEDERATION.md 2.3)."""
SAME_TIME = 86_400
"""Seconds between the time in a ULID and the time its author gives: more is not believed."""
ULID_TEXT = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")


def to_object(session: Session, item: Said) -> Json:
    """The Note of a thread or of a message: the same on its host and on every mirror."""
    thread = item if isinstance(item, Thread) else item.thread
    obj: Json = {
        "id": item.iri,
        "type": "Note",
        "attributedTo": item.author.iri,
        "url": item.iri,
        "published": vocab.written(item.created_at),
        **_audience(item.space),
        "context": thread.context,
        "content": _content(item),
        "mediaType": "text/html",
        "tag": [
            {"type": "Mention", "href": person["iri"], "name": person["name"]}
            for person in item.mentions
        ],
    }
    if item.language:
        obj["contentMap"] = {item.language: obj["content"]}
    if item.revised_at:
        obj["updated"] = vocab.written(item.revised_at)
    if not item.from_html:
        obj["source"] = {"content": item.source, "mediaType": vocab.MARKDOWN}
    file = file_of(session, item)
    if file is not None:
        obj["attachment"] = [recording_object(file, item)]
    if isinstance(item, Message):
        obj["inReplyTo"] = item.reply_to.iri if item.reply_to else thread.iri
    else:
        obj["name"] = item.title
    return obj


def _audience(space: Space) -> Json:
    """Who it is for: what the project's visibility says, nothing else (FEDERATION.md 1.1)."""
    to, cc = [f"{space.iri}/members"], []
    if space.visibility == Visibility.PUBLIC:
        to, cc = [vocab.PUBLIC], [space.iri, f"{space.iri}/followers"]
    return {"to": to, "cc": cc, "audience": space.iri}


def _content(item: Said) -> str:
    """Its HTML for elsewhere: people are linked to their own page, everything is absolute."""
    parts = urlsplit(item.iri)
    html = item.html
    for person in item.mentions:
        address = person["name"].removeprefix("@").removesuffix(f"@{parts.netloc}")
        html = html.replace(f'href="/u/{address}"', f'href="{person["iri"]}"')
    return vocab.content(html, f"{parts.scheme}://{parts.netloc}")


def receive(work: Work, space: Space, obj: Json) -> Item:
    """A thread or a message that its author's instance made; the acting person wrote it.

    What answers nothing and belongs to no known conversation opens a thread.

    Raises:
        Forbidden: it is not the actor's own, or it is for fewer people than the project.
        Conflict: its id is known already.
        Missing: it answers something that is not known here, in a conversation that is not.
        Invalid: it says nothing, or it is dated in the future.
        Problem: whatever the operation answers.
    """
    iri = vocab.iri(obj, "id")
    _may_come_in(work, space, obj, iri)
    received = _received(work, obj, iri)
    body, voice = _body(obj, received.html), upload_of(obj)
    thread, parent = _place(work, space, obj, received.uid or "")
    if thread is None:
        name = vocab.text(obj, "name", MAX_TITLE) or excerpt(plain(received.html), 80)
        opened = OpenThread(name, body or plain(received.html), language_of(obj), voice, received)
        return keep_poll(work, open_thread(work, space, opened), obj)
    reply_to = parent.uid if parent else None
    given = PostMessage(thread.uid, body, reply_to, language_of(obj), voice, received)
    return keep_poll(work, post_message(work, space, given), obj)


def _with_voice(work: Work, item: Item, obj: Json) -> Item:
    """The item with the recording that came with it, unless it has one."""
    voice = upload_of(obj)
    if voice is not None and file_of(work.session, item) is None:
        attach(work, item, voice)
    return item


def revise(work: Work, space: Space, item: Said, obj: Json) -> Item:
    """An Update by the author of a thread or a message.

    Raises:
        Forbidden: it is not the actor's own.
        Conflict: a newer text is known already, or it was taken back.
        Problem: whatever the operation answers.
    """
    if vocab.iri(obj, "id") != item.iri or vocab.iri(obj, "attributedTo") != item.author.iri:
        raise Forbidden(N_("Ce texte n’est pas de la personne qui l’envoie."))
    at = vocab.instant(obj, "updated") or work.now
    known = (item.revised_at or item.created_at).replace(microsecond=0)
    if at < known and not work.mirrored:
        raise Conflict(N_("Une version plus récente de ce texte est déjà connue."))
    _not_ahead(work, at)
    received = Received(
        html=html_of(obj),
        mentions=vocab.mentions(obj),
        from_html=_source(obj) is None,
        at=at,
    )
    given = EditMessage(
        item=item.uid,
        body=_body(obj, received.html),
        title=vocab.text(obj, "name", MAX_TITLE),
        language=language_of(obj),
        received=received,
    )
    return _with_voice(work, keep_poll(work, edit_message(work, space, given), obj), obj)


def remain(work: Work, space: Space, tombstone: Json) -> Item:
    """The place of a thread or a message whose words were erased before they came here.

    Raises:
        Missing: it stood in a conversation that is not known here.
        Invalid: it has no address.
    """
    iri = vocab.iri(tombstone, "id")
    if not iri:
        raise Invalid(id=N_("Ce texte n’a pas d’adresse."))
    at = vocab.instant(tombstone, "published") or work.now
    uid = _uid(work, iri, at)
    thread, answered = _place(work, space, tombstone, uid)
    return hold_place(work, space, HoldPlace(uid, iri, at, thread, answered))


def _may_come_in(work: Work, space: Space, obj: Json, iri: str) -> None:
    if not iri:
        raise Invalid(id=N_("Ce texte n’a pas d’adresse."))
    if vocab.iri(obj, "attributedTo") != work.actor.iri:
        raise Forbidden(N_("Ce texte n’est pas de la personne qui l’envoie."))
    if space.visibility == Visibility.PUBLIC and not vocab.is_public(obj):
        raise Forbidden(N_("Ce texte n’est pas adressé à tout le monde : ce projet l’est."))
    if space.visibility != Visibility.PUBLIC and vocab.is_public(obj):
        raise Forbidden(N_("Ce texte est adressé à tout le monde : ce projet ne l’est pas."))
    if by_iri(work, iri) is not None:
        raise Conflict(N_("Ce texte est déjà là."))


def _received(work: Work, obj: Json, iri: str) -> Received:
    at = vocab.instant(obj, "published") or work.now
    _not_ahead(work, at)
    return Received(
        html=html_of(obj),
        mentions=vocab.mentions(obj),
        from_html=_source(obj) is None,
        iri=iri,
        uid=_uid(work, iri, at),
        at=at,
    )


def _not_ahead(work: Work, at: datetime) -> None:
    if at > work.now + AHEAD and not work.mirrored:
        raise Invalid(published=N_("Ce texte est daté d’après maintenant."))


def _source(obj: Json) -> str | None:
    """Its Markdown; "" for a recording whose words nobody has written, None when there is none."""
    told = vocab.source(obj, MAX_REMOTE_SOURCE)
    if told is None or told.strip():
        return told
    return "" if recording_of(obj) is not None else None


def _body(obj: Json, html: str) -> str:
    told = _source(obj)
    return plain(html) if told is None else told


def _uid(work: Work, iri: str, at: datetime) -> str:
    """The public id of something from elsewhere; in a thread, the order of ids is the order.

    Its own ULID when it has one that is free and tells the time it was written. Otherwise one
    made of that time and of the IRI, so that every instance comes to the same.
    """
    last = iri.rpartition("/")[2].lower()
    if ULID_TEXT.fullmatch(last):
        taken = by_uid(work, last) is not None
        if not taken and abs(ULID.from_str(last.upper()).timestamp - at.timestamp()) < SAME_TIME:
            return last
    moment = max(int(at.timestamp() * 1000), 0).to_bytes(6, "big")
    return str(ULID.from_bytes(moment + hashlib.sha256(iri.encode()).digest()[:10])).lower()


def _place(work: Work, space: Space, obj: Json, uid: str) -> tuple[Thread | None, Message | None]:
    """The thread an object belongs to (None: it opens one), and the message it answers.

    Raises:
        Missing: it belongs to a conversation of this space that is not known here.
    """
    answered = vocab.iri(obj, "inReplyTo")
    parent = by_iri(work, answered)
    if parent is not None and parent.space_id == space.id:
        if isinstance(parent, Thread):
            return parent, None
        if isinstance(parent, Message):
            return work.session.get_one(Thread, parent.thread_id), parent
    context = vocab.iri(obj, "context")
    ours = context.removeprefix(f"{space.iri}/c/") if context.startswith(f"{space.iri}/c/") else ""
    found = by_uid(work, ours) if ours else None
    thread = found if isinstance(found, Thread) and found.space_id == space.id else None
    if thread is None and (obj.get("inReplyTo") or ours not in ("", uid)):
        raise Missing(N_("Ce texte répond à quelque chose qui n’est pas connu ici."))
    return thread, None


def present(session: Session, item: Any) -> Json:
    """What the JSON API says of a thread or a message beyond the common properties."""
    told: Json = {"language": item.language}
    if isinstance(item, Thread):
        told["message_count"] = item.message_count
        told["last_at"] = vocab.written(item.last_at)
    else:
        told["thread"] = item.thread.uid
        told["reply_to"] = item.reply_to.uid if item.reply_to else None
    file = None if item.withdrawn_at or is_hidden(session, item.author) else file_of(session, item)
    return told if file is None else told | {"voice": recording_object(file, item)}


MAPPING = ObjectMapping(
    types=SAID,
    ownership="voice",
    to_object=to_object,
    receive=receive,
    revise=revise,
    claims=is_said,
    remain=remain,
)
