"""What pages and the API may ask of federation and search, which they do not import.

Rooms, pages and doors meet in app.py; these protocols are the words they share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from collab.people.models import Actor, Peer
from collab.spaces.models import Item, Role, Space


class Phrase(Protocol):
    """Six words that two administrators read each other, and the print of the keys behind them."""

    @property
    def words(self) -> tuple[str, ...]:
        """The six words, in the order in which they are read out."""

    @property
    def print(self) -> str:
        """SHA-256 (hex) of the keys behind them, for the QR code."""


class Network(Protocol):
    """The other instances, as pages and the API see them."""

    def space_card(self, address: str) -> Space:
        """Look a remote project up (may ask its host). Raises Problem."""

    def bring_file(self, item: Item) -> bool:
        """Fetch the file beside an item of elsewhere now (asks); whether it is here then."""

    def person_at(self, address: str) -> Actor:
        """Look somebody up by their address (may ask their host). Raises Problem."""

    def agrees_to_move(self, old: Actor, address: str) -> Actor:
        """Who is behind an address, if they say now that they are `old` too (asks their host).

        Raises Problem.
        """

    def move_away(self, actor: Actor, target: str) -> Actor:
        """One of ours is somewhere else now: note it, and tell who knows them. Raises Problem."""

    def invite(self, facilitator: Actor, space: Space, address: str, role: Role) -> None:
        """Invite the person at an address of another instance (asks it). Raises Problem."""

    def ask_peer(self, admin: Actor, url: str) -> Peer:
        """Ask another instance to be linked (may ask it). Raises Problem."""

    def decide_peer(
        self, admin: Actor, host: str, act: str, *, reason: str = "", before: str = ""
    ) -> Peer:
        """`act`: allow, limit, refuse, block, pause, resume, retry, or undo (to `before`).

        Raises Problem.
        """

    def reach_peer(self, admin: Actor, host: str, reach: str) -> Peer:
        """Choose what goes there: `mirror`, `threads`, `highlights`, "" (as it asks)."""

    def lanes(self) -> Mapping[str, Any]:
        """How sending to each host stands, by host: federation.lanes.Lane."""

    def copies_in_full(self, space: Space) -> Sequence[Any]:
        """Who holds a copy of a project of ours: federation.copies.Copy."""

    def restart_copy(self, admin: Actor, space: Space, *, whole: bool) -> object:
        """Let our copy of a remote project begin again. Raises Problem."""

    def unapplied(self, space: Space) -> Sequence[Any]:
        """Entries of a remote project's log without effect here: federation.models.Unapplied."""

    def delays(self, space: Space) -> Any:
        """How long entries took to its copies in the last 24 hours: federation.delays.Day."""

    def kept_from(self, space: Space) -> Sequence[Any]:
        """Whom a project of ours does not go to, and why: federation.copies.Kept."""

    def peers(self) -> list[Peer]:
        """Every instance known here."""

    def peer_phrase(self, host: str) -> tuple[Phrase, bool]:
        """The six words to compare with `host` (may ask it), and whether its key is fresh."""

    def verify_peer(self, admin: Actor, host: str, print_: str, heard: str, *, same: bool) -> Peer:
        """Note what two administrators found comparing. Raises Conflict: not the same phrase."""

    def keys_of_peers(self, peers: Sequence[Peer]) -> dict[str, str]:
        """By host: `verified`, or `changed` since it was."""

    def tallies(self, space: Space, items: Sequence[Item]) -> Mapping[int, Any]:
        """By item id, on how many copies (`received`, `of`) it has arrived; few queries."""

    def arrivals(self, space: Space, item: Item) -> Sequence[Any]:
        """How one thing stands with each instance: federation.arrivals.Line."""

    def receipts(self, item: Item) -> Sequence[Any]:
        """Where its deletion was confirmed, and where not yet: federation.receipts.Receipt."""

    def erase_forever(self, actor: Actor, space: Space, uid: str) -> Item:
        """Erase the words of what was taken back, for good. Raises Problem."""

    def copies(self, space: Space) -> list[dict[str, Any]]:
        """Who holds a copy of a project of ours, and how many entries each is behind."""

    def mirror_words(self, space: Space) -> str:
        """How complete our copy of a remote project is, in words."""

    def report(self, space: Space) -> dict[str, Any]:
        """The state of a project's log and copies, for the API."""

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, bytes]:
        """Ask any other host, unsigned: status and body of the answer. Raises Unreachable."""
