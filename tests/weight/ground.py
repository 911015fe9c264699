"""An instance as it is after a busy year: what its pages weigh then is what its readers pay."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from conftest import House, Make, open_house
from realtime.live import LiveHouse
from sqlalchemy import delete

from collab.core.db import now
from collab.core.jobs import Job
from collab.demo.story import PROJECT, SHEETS, TALKS
from collab.federation.models import Subscriber
from collab.people.models import AccountRole, Actor, Peer, PeerState
from collab.people.queries import site
from collab.spaces.invitations import Invite, invite
from collab.spaces.models import Membership, MembershipState, Space
from collab.spaces.operations import OpenSpace, ReviseSpace, open_space, revise_space
from collab.spaces.reports import MakeReport, make_report
from collab.spaces.tools.discussion.inputs import (
    EditMessage,
    OpenThread,
    PostMessage,
    React,
)
from collab.spaces.tools.discussion.operations import (
    edit_message,
    open_thread,
    post_message,
    put_reaction,
)
from collab.spaces.tools.pages.inputs import EditDocument, WriteDocument
from collab.spaces.tools.pages.operations import edit_document, write_document
from collab.web.extensions import db
from weight.corners import MET, PROVIDER, first_day, planted_apart

MESSAGES = 50
"""In the thread that the budget is about."""
NEIGHBOURS = 13
"""Instances that are known; three of them keep a copy of the garden."""
PROJECTS = 20
MEMBERS = 30
CHAPTERS = (*SHEETS, SHEETS[0])
LONG = "\n\n".join(f"## Chapitre {n}\n\n{one.words}" for n, one in enumerate(CHAPTERS, 1))


@dataclass
class Ground:
    """A running instance; `ada` looks after the garden and the site, `bob` is a member.

    `eve` came today; `zoe` is known to another site only, and is about to choose a name here.
    """

    live: LiveHouse
    cookies: dict[str, str]
    """By name of the reader, the header that says who looks; none for a stranger."""
    seeds: list[str]
    """Addresses to begin from, the heaviest of their kind."""

    def seed(self, part: str) -> str:
        """The first of them that has these letters in it."""
        return next(seed for seed in self.seeds if part in seed)

    @property
    def house(self) -> House:
        return self.live.house

    @property
    def url(self) -> str:
        return self.live.url


@contextmanager
def ground(place: Path, *, planting: bool = True) -> Iterator[Ground]:
    """Make the instance in `place` and serve it on loopback for the time of a `with` block.

    Without `planting` it is as it is on the day it is started, before anybody has set it up.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    house = opened(place, f"http://127.0.0.1:{port}")
    with LiveHouse(house, port) as live:
        with house.app.test_request_context("/"):
            seeds, people = planted(house) if planting else ([], {})
            cookies = {name: live.cookie(actor) for name, actor in people.items()}
            cookies |= {"zoe": introduced(house)} if planting else {}
            db.session.remove()
        yield Ground(live, cookies, seeds)
    with house.app.app_context():
        db.session.remove()
        db.engine.dispose()


def opened(place: Path, origin: str) -> House:
    """An instance that also lets in whom another site knows."""
    told = f'[site]\nname = "Maison d’essai"\nbase_url = "{origin}"\n{PROVIDER}'
    place.mkdir()
    (place / "collab.toml").write_text(told, encoding="utf-8")
    return open_house(place, origin=origin)


def introduced(house: House) -> str:
    """The cookie of somebody whom that site has just introduced, and who has no account yet."""
    app, session = house.app, {"oidc_met": MET | {"until": time.time() + 3600}}
    signed = app.session_interface.get_signing_serializer(app).dumps(session)
    return f"Cookie: {app.config['SESSION_COOKIE_NAME']}={signed}"


def planted(house: House) -> tuple[list[str], dict[str, Actor]]:
    """All that is there; the addresses worth beginning from, and who may look."""
    make = Make(house)
    ada, bob = make.person("ada", AccountRole.ADMIN), make.person("bob")
    garden = make.space(ada, bob)
    with house.as_(ada) as work:
        told = {name: PROJECT[name] for name in ("name", "why", "who", "how", "territory")}
        revise_space(work, garden, ReviseSpace(**told))
        for number in range(1, PROJECTS):
            given = OpenSpace(**told | {"name": f"Jardin {number}"}, slug=f"jardin-{number}")
            open_space(work, given)
        invite(work, garden, Invite())
        site(work.session).set_up_at = work.now
    eve = first_day(make, ada)
    strangers = neighbours(garden)
    thread = talked(house, garden, ada, bob)
    document = written(house, garden, ada, bob)
    apart = planted_apart(house, garden, ada, strangers[3:5])
    db.session.execute(delete(Job).where(Job.kind == "federate"))  # nobody is there to be told
    db.session.commit()
    house.settle()
    seeds = [
        f"/p/jardin/discussion/{thread}/",
        f"/p/jardin/pages/{document}",
        "/search?q=cuve",
        f"/u/{strangers[0].address}",
        "/nulle-part",
        "/p/jardin/reports",
        "/recover",
        f"/p/jardin/delivery/{thread}",
        f"/p/jardin/discussion/m/{thread}/history",
        *apart,
    ]
    return seeds, {"bob": bob, "ada": ada, "eve": eve}


def neighbours(garden: Space) -> list[Actor]:
    """Other instances, their people in the garden, and the copies of three of them."""
    hosts = [f"commune-{number}.example" for number in range(NEIGHBOURS)]
    for number, host in enumerate(hosts):
        known = {"name": f"Commune {number}", "state": PeerState.ALLOWED, "created_at": now()}
        db.session.add(Peer(host=host, **known))
        if number < 3:
            db.session.add(
                Subscriber(
                    space_id=garden.id,
                    host=host,
                    actor_iri=f"https://{host}/actor",
                    follow_iri=f"https://{host}/follow",
                    inbox=f"https://{host}/inbox",
                    cursor=0,
                    created_at=now(),
                    confirmed_at=now(),
                )
            )
    homes = islice(cycle(hosts), MEMBERS)
    people = [person(f"voisine{number}", host) for number, host in enumerate(homes)]
    db.session.add_all(people)
    db.session.flush()
    for number, actor in enumerate(people):
        state = MembershipState.REQUESTED if number < 3 else MembershipState.ACTIVE
        db.session.add(Membership(space_id=garden.id, actor_id=actor.id, state=state, since=now()))
    db.session.commit()
    return people


def person(name: str, host: str) -> Actor:
    iri = f"https://{host}/u/{name}"
    return Actor(
        iri=iri, name=name, host=host, local=False, display_name=name.title(), url=iri,
        inbox=f"{iri}/inbox", created_at=now(),
    )  # fmt: skip


def talked(house: House, garden: Space, ada: Actor, bob: Actor) -> str:
    """Many threads, and the one of fifty messages by two people; its uid."""
    with house.as_(ada) as work:
        for number in range(1, 30):
            open_thread(work, garden, OpenThread(f"Sujet {number}", TALKS[0].opening.words))
        long = open_thread(work, garden, OpenThread("Cinquante avis", TALKS[0].opening.words))
    said = [one.words.replace("@", "") for talk in TALKS for one in talk.answers]
    for author in (ada, bob):
        with house.as_(author) as work:
            for words in islice(cycle(said), MESSAGES // 2):
                post_message(work, garden, PostMessage(long.uid, words))
    with house.as_(ada) as work:
        edit_message(work, garden, EditMessage(long.uid, said[0], "Cinquante avis"))
    with house.as_(bob) as work:
        put_reaction(work, garden, React(long.uid, "merci"))
        make_report(work, garden, long, MakeReport("spam"))
    return long.uid


def written(house: House, garden: Space, ada: Actor, bob: Actor) -> str:
    """A long document of many versions above others; its slug."""
    with house.as_(ada) as work:
        top = write_document(work, garden, WriteDocument("Le livre du jardin", LONG))
    for author in (ada, bob):
        with house.as_(author) as work:
            for number in range(1, 11):
                changed = f"{LONG}\n\n{author.name} : fait le {number} mai.\n"
                edit_document(work, garden, EditDocument(top.uid, source=changed, summary="Mai"))
    with house.as_(ada) as work:
        for number in range(20):
            given = WriteDocument(f"Fiche {number}", SHEETS[0].words, parent=top.uid)
            write_document(work, garden, given)
    return top.slug
