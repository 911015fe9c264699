"""What no link leads to, or what is rare: the pages that a walk over the busy year would miss."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from urllib.parse import urlencode

from conftest import House, Make

from collab.core.db import now
from collab.federation.keys import multikey, new_ed25519
from collab.people.models import Actor, ActorKind, Key, Peer
from collab.spaces.invitations import Invite, invite
from collab.spaces.models import Membership, OfferState, Space, Visibility
from collab.spaces.offers import answer_offer
from collab.spaces.tools.discussion.activitypub import receive
from collab.spaces.tools.discussion.inputs import OpenThread, Remove
from collab.spaces.tools.discussion.operations import open_thread, remove
from collab.spaces.tools.pages.activitypub import receive as receive_document
from collab.spaces.tools.pages.inputs import EditDocument, RemoveDocument, WriteDocument
from collab.spaces.tools.pages.operations import edit_document, remove_document, write_document
from collab.spaces.tools.simple.inputs import EditSimple, TakeSimple, WriteSimple
from collab.spaces.tools.simple.operations import edit_simple, remove_simple, write_simple
from collab.web.extensions import db

PROVIDER = """
[oidc.ecole]
label = "Le lycée"
issuer = "https://lycee.example"
client_id = "collab"
client_secret = "secret"
"""
MET = {
    "who": {"issuer": "https://lycee.example", "subject": "4711", "label": "zoe@lycee.example"},
    "alias": "zoe",
    "name": "Zoé",
    "provider": "ecole",
    "next": "/",
}
"""What the session holds of somebody whom that provider has introduced."""
EASY = "Nous discutons.\n\nVous donnez votre avis sur Internet."
UNANSWERED = "https://127.0.0.1:9/actor"
"""Refused before anything is asked, so that no page waits for it."""
EMPTY = "potager"
"""A project in which nothing was written yet."""
APART = "https://ailleurs.example/p/verger"
BACK = "https://agenda.example/retour"


def planted_apart(house: House, garden: Space, ada: Actor, others: list[Actor]) -> list[str]:
    """Make all of it, looked after by `ada`; gives the addresses to begin from."""
    return [
        "/styleguide",
        "/hors-ligne",
        *said_simply(house, garden, ada),
        *taken_back(house, garden, ada),
        *asked(house, garden, others[0]),
        *hidden(house, garden, others[1]),
        *offered(house, ada),
        *invited(house, garden, ada),
        known_by_key(),
        allowed(house),
    ]


def said_simply(house: House, garden: Space, ada: Actor) -> list[str]:
    """The purpose of the project in easy words, changed once, and a version that was erased."""
    with house.as_(ada) as work:
        first = write_simple(work, garden, WriteSimple(EASY, title="Le jardin"))
        other = write_document(work, garden, WriteDocument("Le tour d’eau", EASY))
    with house.as_(ada) as work:
        edit_simple(work, garden, EditSimple(first.uid, f"{EASY}\n\nMerci.", "Le jardin", base=1))
        second = write_simple(work, garden, WriteSimple(EASY, of=other.uid))
    with house.as_(ada) as work:
        remove_simple(work, garden, TakeSimple(second.uid))
    at = f"{garden.url}/simple"
    return [f"{at}/{first.uid}", f"{at}/{first.uid}/history", f"{at}/{second.uid}"]


def taken_back(house: House, garden: Space, ada: Actor) -> list[str]:
    """A thread and a document that their author took back."""
    with house.as_(ada) as work:
        thread = open_thread(work, garden, OpenThread("Une erreur", "Je me suis trompée."))
        document = write_document(work, garden, WriteDocument("Un brouillon", "à jeter"))
        remove(work, garden, Remove(thread.uid))
        remove_document(work, garden, RemoveDocument(document.uid))
    return [
        f"{garden.url}/erase/{thread.uid}",
        f"{garden.url}/pages/{document.slug}",
    ]


def asked(house: House, garden: Space, neighbour: Actor) -> list[str]:
    """A poll of somebody of elsewhere."""
    question = {
        "type": "Question",
        "id": f"https://{neighbour.host}/o/01j00000000000000000000009",
        "attributedTo": neighbour.iri,
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "audience": garden.iri,
        "content": "<p>Quel jour arrosons-nous ?</p>",
        "published": now().isoformat(),
        "endTime": (now() + timedelta(days=9)).isoformat(),
        "votersCount": 7,
        "oneOf": [
            {"type": "Note", "name": day, "replies": {"type": "Collection", "totalItems": votes}}
            for day, votes in (("Samedi", 5), ("Dimanche", 2))
        ],
    }
    with house.as_(neighbour) as work:
        poll = receive(work, garden, question)
    return [f"{garden.url}/poll/{poll.uid}"]


def hidden(house: House, garden: Space, suspended: Actor) -> list[str]:
    """A document of somebody whose words are shown no more."""
    with house.as_(suspended) as work:
        document = write_document(work, garden, WriteDocument("Une réclame", "à vendre"))
    suspended.suspended_at = now()
    db.session.commit()
    return [f"{garden.url}/pages/{document.slug}"]


def offered(house: House, ada: Actor) -> list[str]:
    """A project of elsewhere, and what became of changes that `ada` proposed to it."""
    space = copied(ada)
    document = {
        "type": "Article",
        "id": f"{APART}/w/01j00000000000000000000001",
        "attributedTo": APART,
        "name": "Semis",
        "content": "<p>fèves</p>",
        "source": {"content": "fèves", "mediaType": "text/markdown"},
        "url": f"{APART}/pages/semis",
        "published": "2026-11-20T10:00:00Z",
        "revision": {"number": 1, "by": f"{APART}/u/ines", "summary": ""},
        "contributors": [],
    }
    with house.runtime.work(space.actor, mirrored=True) as work:
        held = receive_document(work, space, document)
    offers = []
    for words, state in (("pois", None), ("ail", OfferState.REFUSED), ("oignon", "conflict")):
        given = EditDocument(document=held.uid, source=f"fèves\n\n{words}", summary=words)
        with house.as_(ada) as work:
            offers.append(offer := edit_document(work, space, given))
        if state:
            with house.runtime.work(space.actor, mirrored=True) as work:
                answer_offer(work, offer, OfferState(state), "hors sujet")
    names = [offer.iri.rpartition("/")[2] for offer in offers]
    at = f"{space.url}/pages"
    shown = [f"{at}/offers/{name}" for name in names]
    return [f"{at}/", f"{at}/semis", *shown, *(f"{one}/edit" for one in shown[1:])]


def copied(ada: Actor) -> Space:
    """The copy kept here of a project of elsewhere, of which `ada` is a member."""
    group = Actor(
        iri=APART, kind=ActorKind.GROUP, name="verger", host="ailleurs.example", local=False,
        created_at=now(),
    )  # fmt: skip
    db.session.add(group)
    db.session.flush()
    space = Space(
        actor_id=group.id, slug="verger", host=group.host, local=False, name="Le verger",
        tools=["pages"], visibility=Visibility.PUBLIC, created_at=now(),
    )  # fmt: skip
    db.session.add(space)
    db.session.flush()
    db.session.add(Membership(space_id=space.id, actor_id=ada.id, since=now()))
    db.session.commit()
    return space


def invited(house: House, garden: Space, ada: Actor) -> list[str]:
    """A page behind the code of a poster, and what a wrong code is answered."""
    with house.as_(ada) as work:
        row = invite(work, garden, Invite())
    return [f"/join?code={row.code}"]


def known_by_key() -> str:
    """The page to compare the phrase of an instance whose key is known."""
    peer = db.session.get_one(Peer, "commune-0.example")
    peer.actor_iri = UNANSWERED
    there = Actor(
        iri=UNANSWERED, kind=ActorKind.APPLICATION, name="site", host=peer.host, local=False,
        created_at=now(),
    )  # fmt: skip
    db.session.add(there)
    db.session.flush()
    db.session.add(
        Key(
            actor_id=there.id,
            key_id=f"{UNANSWERED}#1",
            algorithm="ed25519",
            public=multikey(new_ed25519().public_key()),
            created_at=now(),
        )
    )
    db.session.commit()
    return f"/admin/peers/{peer.host}/phrase?print=autre"


def allowed(house: House) -> str:
    """The question that an application asks of whoever it is to act for."""
    told = {
        "client_name": "Agenda du quartier",
        "redirect_uris": [BACK],
        "scope": "read write",
        "token_endpoint_auth_method": "none",
    }
    client = house.client().post("/oauth/register", json=told).get_json()
    proof = hashlib.sha256(b"un-verifieur-assez-long-pour-la-norme-qui-en-veut-43").digest()
    question = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": BACK,
        "scope": "read write",
        "code_challenge": base64.urlsafe_b64encode(proof).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    return f"/oauth/authorize?{urlencode(question)}"


def first_day(make: Make, ada: Actor) -> Actor:
    """Somebody whose account was made today, in a project that was opened today."""
    eve = make.person("eve")
    make.space(ada, eve, slug=EMPTY)
    return eve
