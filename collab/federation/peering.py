"""The phrase two administrators read each other: that neither talks to somebody in between.

It is made of both instances' Ed25519 keys and both hosts, the same on both sides, and never sent.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import resources

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation.peers import NOT_KNOWN, ChoosePeer
from collab.people.models import Actor, Key, Peer
from collab.people.queries import site

WORDS_IN_PHRASE = 6
BITS_OF_WORD = 10
OE = chr(0x153)
"""The one letter of French that does not come apart by itself."""
SCRYPT = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 1 << 26, "dklen": 32}
"""What one guess costs: about a tenth of a second and 32 MiB. Somebody in between can choose
keys on both sides, so that 60 bits are worth 30 to them; the cost of each guess makes up for it."""
NO_KEY = N_("Cette instance ne montre pas encore sa clé. Réessayez quand elle répondra.")
DIFFERS = N_(
    "Ce n’est pas la même phrase. Ne reliez pas ces deux instances : quelqu’un se fait peut-être "
    "passer pour l’autre. Relisez-la ensemble, de vive voix."
)


@dataclass(frozen=True)
class Phrase:
    """What to read aloud, and `print`: SHA-256 (hex) of the same keys, for the QR code."""

    words: tuple[str, ...]
    print: str

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True)
class VerifyPeer:
    """The instance, the print on the page that was compared, and the words that were heard.

    `heard` is empty when the administrator compared by ear or by QR code.
    """

    host: str
    print: str
    heard: str = ""


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """The list that phrases are made of: 1024 short plain words, no two a letter apart."""
    text = resources.files("collab.federation").joinpath("words.txt").read_text(encoding="utf-8")
    return tuple(text.split())


def phrase(session: Session, host: str, at: datetime) -> Phrase:
    """The phrase of our instance and the one at `host`, from the keys known here now.

    Raises:
        Missing: that instance is not known here.
        Conflict: its key is not known here yet.
    """
    peer = session.get(Peer, host)
    if peer is None or not peer.actor_iri:
        raise Missing(NOT_KNOWN)
    ours = site(session).actor
    theirs = session.scalar(select(Actor).where(Actor.iri == peer.actor_iri))
    sides = [(a.host, keys) for a in (ours, theirs) if a and (keys := _keys(session, [a.id], at))]
    if len(sides) < 2:
        raise Conflict(NO_KEY)
    return spoken([(host, [key for _, key in keys]) for host, keys in sides])


def spoken(sides: Iterable[tuple[str, Iterable[str]]]) -> Phrase:
    """The phrase of two instances, each a host and its Ed25519 keys as Multikeys; any order."""
    told = _bytes(sides)
    stretched = hashlib.scrypt(told, salt=b"collab peering 1", **SCRYPT)
    number, chosen = int.from_bytes(stretched, "big"), []
    for _ in range(WORDS_IN_PHRASE):
        chosen.append(words()[number & ((1 << BITS_OF_WORD) - 1)])
        number >>= BITS_OF_WORD
    return Phrase(tuple(chosen), hashlib.sha256(told).hexdigest())


def same_words(phrase: Phrase, heard: str) -> bool:
    """Whether those are the words, however they are written: accents, capitals, commas."""
    return plain(heard) == [plain(word)[0] for word in phrase.words]


def plain(text: str) -> list[str]:
    """The words of a text in small letters without accents."""
    folded = unicodedata.normalize("NFD", text.lower().replace(OE, "oe"))
    letters = "".join(c if c.isalpha() else " " for c in folded if not unicodedata.combining(c))
    return letters.split()


def verify_peer(work: Work, given: VerifyPeer) -> Peer:
    """Write down that two administrators have compared their phrases, and they were the same.

    Raises:
        Missing: that instance is not known here.
        Conflict: its key is not known, is another than the one that was compared, or the words
            that were heard are others.
    """
    now = phrase(work.session, given.host, work.now)
    if given.print != now.print or (given.heard.strip() and not same_words(now, given.heard)):
        raise Conflict(DIFFERS)
    peer = work.session.get_one(Peer, given.host)
    peer.verified_at, peer.verified_by = work.now, work.actor.id or None
    peer.verified_print = now.print
    return peer


def unverify_peer(work: Work, given: ChoosePeer) -> Peer:
    """Take it back: the phrases were not the same.

    Raises:
        Missing: that instance is not known here.
    """
    peer = work.session.get(Peer, given.host)
    if peer is None:
        raise Missing(NOT_KNOWN)
    peer.verified_at = peer.verified_by = None
    peer.verified_print = ""
    return peer


def standing_of_keys(session: Session, peers: Iterable[Peer], at: datetime) -> dict[str, str]:
    """By host, `verified`, `changed` (another key since it was verified) or "" (never was).

    Two queries however many peers there are.
    """
    rows = [p for p in peers if p.verified_at]
    ours = site(session).actor
    wanted = select(Actor.id, Actor.iri).where(Actor.iri.in_([p.actor_iri for p in rows]))
    ids = {row.iri: row.id for row in session.execute(wanted)}
    keys: dict[int, list[str]] = {}
    for actor_id, key in _keys(session, [ours.id, *ids.values()], at):
        keys.setdefault(actor_id, []).append(key)
    told = {}
    for peer in rows:
        theirs = keys.get(ids.get(peer.actor_iri, 0), [])
        print_ = _print([(ours.host, keys.get(ours.id, [])), (peer.host, theirs)])
        told[peer.host] = "verified" if print_ == peer.verified_print else "changed"
    return told


def _print(sides: Iterable[tuple[str, Iterable[str]]]) -> str:
    return hashlib.sha256(_bytes(sides)).hexdigest()


def _bytes(sides: Iterable[tuple[str, Iterable[str]]]) -> bytes:
    lines = sorted(f"{host} {' '.join(sorted(keys))}" for host, keys in sides)
    return "\n".join(["collab peering 1", *lines]).encode()


def _keys(session: Session, actors: Iterable[int], at: datetime) -> list[tuple[int, str]]:
    """The Ed25519 keys in use of those actors: whose, and the key as a Multikey."""
    wanted = select(Key.actor_id, Key.public).where(
        Key.actor_id.in_(list(actors)),
        Key.algorithm == "ed25519",
        Key.revoked_at.is_(None),
        or_(Key.expires_at.is_(None), Key.expires_at > at),
    )
    return [(row.actor_id, row.public) for row in session.execute(wanted)]
