"""What can be done in a discussion: open, answer, edit, take back, react, pin."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.tongues import language_code
from collab.core.work import Work, new_uid
from collab.spaces.asking import ask_host
from collab.spaces.files import attach, file_of, set_aside, take_up
from collab.spaces.items import (
    MAX_TITLE,
    by_uid,
    first_state,
    item_in,
    pin,
    publish,
    react,
    restore,
    revise,
    unreact,
    withdraw,
)
from collab.spaces.models import Item, ItemState, Role, Space
from collab.spaces.policy import require
from collab.spaces.tools.discussion.inputs import (
    EditMessage,
    OpenThread,
    Pin,
    PostMessage,
    React,
    Remove,
)
from collab.spaces.tools.discussion.models import Message, Said, Thread
from collab.spaces.tools.discussion.telling import tell_people
from collab.spaces.tools.discussion.words import shown_words

MAX_BODY = 20_000
"""Characters of Markdown in one message."""


def open_thread(work: Work, space: Space, given: OpenThread) -> Thread:
    """Open a thread with its first message.

    Raises:
        Missing, Forbidden, Conflict: the actor may not write here (policy.require).
        Invalid: no title, no text and no voice, or a text that is too long.
    """
    require(work, space, Role.MEMBER)
    title = " ".join(given.title.split())
    _check(work, body=given.body, title=title, spoken=given.voice is not None)
    told = _told(work, space, given)
    thread = work.make(Thread, title=title, **told, last_at=told["created_at"])
    publish(work, thread)
    if given.voice is not None:
        attach(work, thread, given.voice)
    tell_people(work, thread)
    return thread


def post_message(work: Work, space: Space, given: PostMessage) -> Message:
    """Add a message to a thread.

    Raises:
        Missing: no such thread in this space, or no such message in this thread.
        Forbidden, Conflict: the actor may not write here, or the thread was taken back.
        Invalid: no text and no voice, or a text that is too long.
    """
    require(work, space, Role.MEMBER)
    thread = by_uid(work, given.thread)
    if not isinstance(thread, Thread) or thread.space_id != space.id:
        raise Missing(N_("Cette discussion n’existe pas, ou plus."))
    if thread.withdrawn_at and not work.mirrored:
        raise Conflict(N_("Cette discussion a été effacée entre-temps."))
    _check(work, body=given.body, spoken=given.voice is not None)
    told = _told(work, space, given)
    reply_to_id = _answered(work, thread, given.reply_to)
    message = work.make(Message, thread_id=thread.id, reply_to_id=reply_to_id, **told)
    publish(work, message)
    if given.voice is not None:
        attach(work, message, given.voice)
    tell_people(work, message)
    work.look("counted", thread.uid, lambda: _lock(work.session, thread))
    thread.message_count += 1
    thread.last_at = max(thread.last_at, message.created_at)
    return message


def edit_message(work: Work, space: Space, given: EditMessage) -> Said:
    """Give a message or a thread a new text; the old one stays readable in its history.

    Only the author may: facilitators take back, they do not rewrite. Saving the same text is
    nothing.

    Raises:
        Missing: no such message or thread in this space.
        Forbidden: the actor did not write it, or may not write here any more.
        Conflict: it was taken back.
        Invalid: no text, or one too long.
    """
    require(work, space, Role.MEMBER)
    item = said_in(work.session, space, given.item)
    if item.author_id != work.actor.id:
        raise Forbidden(N_("Seule la personne qui l’a écrit peut modifier ce texte."))
    title = (isinstance(item, Thread) and " ".join(given.title.split())) or item.title
    spoken = file_of(work.session, item) is not None
    _check(work, body=given.body, title=title or None, spoken=spoken)
    html, mentions = shown_words(work, space, given.body, given.received)
    language = item.language if given.language is None else language_code(given.language)
    if (title, given.body, html, language) == (item.title, item.source, item.html, item.language):
        return item
    item.mentions, item.language = mentions, language
    item.from_html = bool(given.received and given.received.from_html)
    at = given.received.at if given.received else None
    revise(work, item, title=title, source=given.body, html=html, at=at)
    tell_people(work, item)
    return item


def remove(work: Work, space: Space, given: Remove) -> Said:
    """Take a message or a thread back; it can be brought back for 30 days.

    Somebody else's, in a project of elsewhere, its host is asked to take back.

    Raises:
        Missing: no such message or thread in this space.
        Forbidden, Conflict: see spaces.items.withdraw.
    """
    item = said_in(work.session, space, given.item)
    if item.author_id != work.actor.id and ask_host(work, space, item, "remove"):
        return item
    withdraw(work, item)
    set_aside(work, item)
    _recount(work.session, item)
    return item


def bring_back(work: Work, space: Space, given: Remove) -> Said:
    """Undo `remove`.

    Raises:
        Missing: no such message or thread in this space.
        Forbidden, Conflict: see spaces.items.restore.
    """
    item = said_in(work.session, space, given.item)
    if item.author_id != work.actor.id and ask_host(work, space, item, "restore"):
        return item
    restore(work, item)
    take_up(work, item)
    _recount(work.session, item)
    return item


def put_reaction(work: Work, space: Space, given: React) -> Said:
    """Put one's sign on a message or a thread. Raises as spaces.items.react, and Missing."""
    item = said_in(work.session, space, given.item)
    react(work, item, given.sign, given.iri)
    return item


def take_reaction(work: Work, space: Space, given: React) -> Said:
    """Take one's sign back. Raises as spaces.items.unreact, and Missing."""
    item = said_in(work.session, space, given.item)
    unreact(work, item, given.sign)
    return item


def pin_thread(work: Work, space: Space, given: Pin) -> Thread:
    """Keep a thread at the top of the room, or ask its host to. Raises as `asking.ask_host`."""
    return _pinned(work, space, given, pinned=True)


def unpin_thread(work: Work, space: Space, given: Pin) -> Thread:
    """Let a pinned thread go back among the others, or ask its host to. Raises the same."""
    return _pinned(work, space, given, pinned=False)


def _pinned(work: Work, space: Space, given: Pin, *, pinned: bool) -> Thread:
    thread = said_in(work.session, space, given.item)
    if not isinstance(thread, Thread):
        raise Missing(N_("Cette discussion n’existe pas, ou plus."))
    if not ask_host(work, space, thread, "pin" if pinned else "unpin"):
        pin(work, thread, pinned=pinned)
    return thread


def said_in(session: Session, space: Space, uid: str) -> Said:
    """The thread or message of `space` with that public id, withdrawn or not. Raises Missing."""
    item = item_in(session, space, uid)
    if not isinstance(item, Thread | Message):
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    return item


def _check(work: Work, *, body: str, title: str | None = None, spoken: bool = False) -> None:
    """Refuse what says nothing; and, from people of this instance, what is too long."""
    ours = work.actor.local and not work.mirrored
    wrong = {}
    if title is not None and not title:
        wrong["title"] = N_("Donnez un sujet à la discussion.")
    elif title and len(title) > MAX_TITLE and ours:
        wrong["title"] = N_("Ce sujet est trop long : 200 caractères au plus.")
    if not body.strip() and not spoken:
        wrong["body"] = N_("Écrivez d’abord votre message.")
    elif len(body) > MAX_BODY and ours:
        wrong["body"] = N_("Ce message est trop long : 20 000 caractères au plus.")
    if wrong:
        raise Invalid(**wrong)


def _told(work: Work, space: Space, given: OpenThread | PostMessage) -> dict[str, Any]:
    """The columns that threads and messages share."""
    body, received = given.body, given.received
    html, mentions = shown_words(work, space, body, received)
    uid = (received and received.uid) or new_uid()
    return {
        "uid": uid,
        "iri": (received and received.iri) or f"{work.origin}/o/{uid}",
        "space_id": space.id,
        "author_id": work.actor.id,
        "source": body,
        "html": html,
        "mentions": mentions,
        "from_html": bool(received and received.from_html),
        "language": language_code(given.language),
        "created_at": (received and received.at) or work.now,
        "state": first_state(work, space),
    }


def _answered(work: Work, thread: Thread, uid: str | None) -> int | None:
    """The id of the message answered; None for the thread itself. Raises Missing."""
    if not uid or uid == thread.uid:
        return None
    found = by_uid(work, uid)
    if not isinstance(found, Message) or found.thread_id != thread.id:
        raise Missing(N_("Le message auquel vous répondez n’existe pas, ou plus."))
    return found.id


def _lock(session: Session, thread: Thread) -> None:
    """Wait for others who count in this thread. SQLite has one writer anyway, and all that a work
    has read is as it is."""
    if session.get_bind().dialect.name != "postgresql":
        return
    table = Thread.__table__
    session.flush()
    session.execute(select(table.c.id).where(table.c.id == thread.id).with_for_update())
    session.refresh(thread, ["message_count", "last_at"])


def _recount(session: Session, item: Item) -> None:
    """Make the thread's figures true again after a message went or came back."""
    if not isinstance(item, Message):
        return
    thread = session.get_one(Thread, item.thread_id)
    session.flush()
    _lock(session, thread)
    counted = select(func.count(Message.id), func.max(Message.created_at)).where(
        Message.thread_id == thread.id,
        Message.withdrawn_at.is_(None),
        Message.state != ItemState.REFUSED,
    )
    count, last = session.execute(counted).one()
    thread.message_count, thread.last_at = count, last or thread.created_at
