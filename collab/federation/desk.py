"""What pages, the API and commands ask of federation: collab.web.ports.Network, done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from collab.core.errors import Conflict, Problem, Unreachable
from collab.core.i18n import N_
from collab.federation.arrivals import Line, Tally, lines_of, tallies
from collab.federation.copies import Copy, Kept, copies_of, kept_from, whole_day
from collab.federation.delays import Day
from collab.federation.departing import Depart, agreed, depart
from collab.federation.erasure import Erase, erase_forever
from collab.federation.files import Bringing
from collab.federation.house import Federation
from collab.federation.inviting import invite_by_address
from collab.federation.lanes import Lane, lanes, pause_peer, resume_peer, retry_peer
from collab.federation.log import head, head_seq
from collab.federation.models import Mirror, Subscriber, Unapplied
from collab.federation.peering import (
    DIFFERS,
    Phrase,
    VerifyPeer,
    phrase,
    standing_of_keys,
    unverify_peer,
    verify_peer,
)
from collab.federation.peers import (
    ChoosePeer,
    allow_peer,
    ask_peer,
    block_peer,
    limit_peer,
    list_peers,
    put_back_peer,
    refuse_peer,
)
from collab.federation.reach import reach_peer
from collab.federation.receipts import Receipt, receipts
from collab.federation.remote import find_instance
from collab.federation.restart import restart_copy
from collab.federation.standing import mirror_figures, mirror_words
from collab.federation.transport import Unreachable as NoAnswer
from collab.federation.unapplied import unapplied
from collab.people.models import Actor, Peer
from collab.spaces.models import Item, Role, Space
from collab.web.lengths import measured

ACTS = {
    "allow": allow_peer,
    "limit": limit_peer,
    "refuse": refuse_peer,
    "block": block_peer,
    "undo": put_back_peer,
    "pause": pause_peer,
    "resume": resume_peer,
    "retry": retry_peer,
}


class Desk:
    """Federation for those who must not import it."""

    def __init__(self, federation: Federation, bringing: Bringing) -> None:
        self._federation = federation
        self._bringing = bringing

    def bring_file(self, item: Item) -> bool:
        """Fetch the file beside an item of elsewhere now; may ask two hosts, within 8 s each."""
        return self._bringing.bring_now(item.id)

    def space_card(self, address: str) -> Space:
        """Look a remote project up; may ask its host. Raises Problem."""
        return self._federation.space_card(address)

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, bytes]:
        """Ask any other host, unsigned; up to 1 MiB within 10 s. Raises Unreachable."""
        self._federation.let_go()
        try:
            got = self._federation.transport.request(method, url, headers=headers, body=body)
        except NoAnswer as error:
            raise Unreachable(N_("Ce site ne répond pas. Réessayez dans un moment.")) from error
        return got.status, got.body

    def invite(self, facilitator: Actor, space: Space, address: str, role: Role) -> None:
        """Invite somebody of another instance; asks it who they are. Raises Problem."""
        invite_by_address(self._federation, facilitator, space, address, role)

    def person_at(self, address: str) -> Actor:
        """Look somebody up; may ask their host. Raises Problem."""
        return self._federation.resolve_actor(self._federation.resolve_address(address))

    def agrees_to_move(self, old: Actor, address: str) -> Actor:
        """Who is behind an address, if they say now that they are `old` too. Raises Problem."""
        return agreed(self._federation, old, address)

    def move_away(self, actor: Actor, target: str) -> Actor:
        """One of ours is somewhere else now, and who knows them is told. Raises Problem."""
        with self._federation.runtime.work(actor) as work:
            return depart(work, Depart(target), self._federation.signing_key)

    def ask_peer(self, admin: Actor, url: str) -> Peer:
        """Ask another instance to be linked; may ask it who it is. Raises Problem."""
        theirs = find_instance(self._federation, url)
        with self._federation.runtime.work(admin) as work:
            return ask_peer(work, theirs)

    def decide_peer(
        self, admin: Actor, host: str, act: str, *, reason: str = "", before: str = ""
    ) -> Peer:
        """Decide about another instance. Raises Problem for an unknown act."""
        if act not in ACTS:
            raise Problem(N_("Cette demande n’est pas comprise."))
        with self._federation.runtime.work(admin) as work:
            return ACTS[act](work, ChoosePeer(host, reason, before))

    def reach_peer(self, admin: Actor, host: str, reach: str) -> Peer:
        """Choose in which form our projects go to a host. Raises Problem."""
        with self._federation.runtime.work(admin) as work:
            return reach_peer(work, host, reach)

    def peers(self) -> list[Peer]:
        """Every instance known here."""
        return list(list_peers(self._federation.session))

    def peer_phrase(self, host: str) -> tuple[Phrase, bool]:
        """The six words to compare with `host`, and whether its key was asked for just now.

        Asks it who it is; goes by what is known when it does not answer. Raises Problem.
        """
        session, fresh = self._federation.session, False
        peer = session.get(Peer, host)
        if peer is not None and peer.actor_iri and self._federation.standing(host) != "none":
            try:
                self._federation.resolve_actor(peer.actor_iri, refresh=True, peering=True)
                fresh = True
            except Problem:
                fresh = False
        return phrase(session, host, self._federation.now()), fresh

    def verify_peer(self, admin: Actor, host: str, print_: str, heard: str, *, same: bool) -> Peer:
        """Note what two administrators found comparing. Raises Conflict: not the same phrase."""
        given = VerifyPeer(host, print_, heard)
        with self._federation.runtime.work(admin) as work:
            if same:
                return verify_peer(work, given)
            unverify_peer(work, ChoosePeer(given.host))
        raise Conflict(DIFFERS)

    def keys_of_peers(self, peers: Sequence[Peer]) -> dict[str, str]:
        """By host: `verified`, or `changed` since; nothing for those that never were verified."""
        return standing_of_keys(self._federation.session, peers, self._federation.now())

    def lanes(self) -> dict[str, Lane]:
        """How sending to each host stands, by host."""
        return {lane.host: lane for lane in lanes(self._federation.session)}

    def copies_in_full(self, space: Space) -> list[Copy]:
        """Who holds a copy of a project of ours, and all that is known of how it stands."""
        return copies_of(self._federation.session, space, self._federation.now())

    def delays(self, space: Space) -> Day | None:
        """How long entries of a project of ours took to its copies, in the last 24 hours."""
        return whole_day(self._federation.session, space, self._federation.now())

    def kept_from(self, space: Space) -> list[Kept]:
        """Whom a project of ours does not go to, and why."""
        return kept_from(self._federation.session, space)

    def tallies(self, space: Space, items: Sequence[Item]) -> dict[int, Tally]:
        """By item id, on how many copies it has arrived; nothing where there are no copies."""
        return tallies(self._federation.session, space, items)

    def arrivals(self, space: Space, item: Item) -> list[Line]:
        """How one thing stands with each instance that is to have it."""
        return lines_of(self._federation.session, space, item)

    def receipts(self, item: Item) -> list[Receipt]:
        """Where the deletion of a thing was confirmed, and where it is waited for."""
        return receipts(self._federation.session, item)

    def erase_forever(self, actor: Actor, space: Space, uid: str) -> Item:
        """Erase the words of what was taken back, for good. Raises Problem."""
        with self._federation.runtime.work(actor) as work:
            return erase_forever(work, space, Erase(uid))

    def copies(self, space: Space) -> list[dict[str, Any]]:
        """Who holds a copy of a project of ours: `host`, `behind` (entries), `confirmed_at`."""
        session = self._federation.session
        last = head_seq(session, space.id)
        rows = session.scalars(
            select(Subscriber)
            .where(
                Subscriber.space_id == space.id,
                Subscriber.reach == "mirror",
                Subscriber.state == "active",
            )
            .order_by(Subscriber.host)
        )
        return [
            {
                "host": row.host,
                "seq": row.cursor,
                "behind": last - row.cursor,
                "confirmed_at": row.confirmed_at,
            }
            for row in rows
        ]

    def mirror_words(self, space: Space) -> str:
        """How complete our copy of a remote project is, in the reader's words (4.5)."""
        return mirror_words(self._federation.session, space)

    def unapplied(self, space: Space) -> list[Unapplied]:
        """The entries of a remote project's log that had no effect on our copy, the first ones."""
        return list(unapplied(self._federation.session, space.id))

    def report(self, space: Space) -> dict[str, Any]:
        """The state of a project's log and of its copies."""
        session = self._federation.session
        at = head(session, space)
        told: dict[str, Any] = {
            "log": {"epoch": at.epoch, "seq": at.seq, "head": at.head},
            "state_digest": at.state_digest,
            "host": space.host,
            "role": "host" if space.local else "mirror",
        }
        if space.local:
            days = {copy.host: copy.day for copy in self.copies_in_full(space)}
            mirrors = [one | measured(days.get(one["host"])) for one in self.copies(space)]
            return told | {"mirrors": mirrors} | measured(self.delays(space))
        return told | {"mirror": mirror_figures(session, space)}

    def restart_copy(self, admin: Actor, space: Space, *, whole: bool) -> Mirror:
        """Let our copy of a remote project begin again. Raises Problem."""
        return restart_copy(self._federation, admin, space, whole=whole)
