"""The door plate of the discussion room."""

from __future__ import annotations

from collab.core.i18n import N_
from collab.core.markup import plain
from collab.spaces.tool import Action, Kind, Tool
from collab.spaces.tools.discussion.activitypub import MAPPING, present
from collab.spaces.tools.discussion.inputs import (
    EditMessage,
    OpenThread,
    Pin,
    PostMessage,
    React,
    Remove,
)
from collab.spaces.tools.discussion.models import Message, Thread
from collab.spaces.tools.discussion.operations import (
    bring_back,
    edit_message,
    open_thread,
    pin_thread,
    post_message,
    put_reaction,
    remove,
    take_reaction,
    unpin_thread,
)
from collab.spaces.tools.discussion.queries import answers_to, count_threads, in_thread
from collab.spaces.tools.discussion.voice_routes import ROOM

OPEN = Action(OpenThread, open_thread)
POST = Action(PostMessage, post_message)
EDIT = Action(EditMessage, edit_message)

THREADS = Kind(
    name="thread",
    plural="threads",
    model=Thread,
    add=OPEN,
    revise=EDIT,
    mapping=MAPPING,
    example=lambda: OpenThread(
        title="Récupérer l’eau de pluie",
        body="Le toit du hangar fait **40 m²**.\nOn installe une cuve avant l’hiver ?",
    ),
    url=lambda space, thread: f"{space.url}/discussion/{thread.uid}/",
    searchable=lambda thread: plain(thread.html),
    present=present,
    conversation=in_thread,
    answers=answers_to,
)
MESSAGES = Kind(
    name="message",
    plural="messages",
    model=Message,
    add=POST,
    revise=EDIT,
    mapping=MAPPING,
    example=lambda: PostMessage(thread="", body="J’ai une vieille *cuve* à donner."),
    url=lambda space, message: f"{space.url}/discussion/m/{message.uid}",
    within=lambda message: message.thread,
    searchable=lambda message: plain(message.html),
    present=present,
    answers=answers_to,
)

TOOL = Tool(
    name="discussion",
    title=N_("Discussions"),
    kinds=(THREADS, MESSAGES),
    blueprint=ROOM,
    actions={
        "open": OPEN,
        "post": POST,
        "edit": EDIT,
        "remove": Action(Remove, remove),
        "restore": Action(Remove, bring_back),
        "react": Action(React, put_reaction),
        "unreact": Action(React, take_reaction),
        "pin": Action(Pin, pin_thread),
        "unpin": Action(Pin, unpin_thread),
    },
    count=count_threads,
    order=10,
)
