"""A vote of somebody here, sent to whoever asks: as Mastodon sends its own (1.6 d)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from collab.federation.log import CONTEXT, stamp
from collab.federation.sending import send
from collab.spaces.polls import Ballot
from collab.spaces.tool import Json


class Votes:
    """Sends votes. `admits` says whether we speak with a host."""

    def __init__(self, admits: Callable[[str], bool]) -> None:
        self._admits = admits

    def tell(self, session: Session, payloads: Sequence[Json]) -> None:
        """Job: one `Create{Note{name, inReplyTo}}` for each choice, to the asker alone."""
        for payload in payloads:
            row = session.get(Ballot, payload["ballot"])
            if row is None or row.actor.suspended_at or not self._admits(row.item.author.host):
                continue
            round_ = int(row.at.timestamp() * 1000)  # one that was refused can be given again
            for number, name in enumerate(row.chosen):
                told = _vote(row, f"{row.actor.iri}#votes-{row.id}-{round_}-{number}", name)
                send(session, row.actor, told, [row.item.author.inbox], row.at)


def _vote(row: Ballot, iri: str, name: str) -> Json:
    audience = {"to": [row.item.author.iri], "cc": []}
    note = {
        "id": iri,
        "type": "Note",
        "attributedTo": row.actor.iri,
        "name": name,
        "inReplyTo": row.item.iri,
        "published": stamp(row.at),
    }
    create = {"id": f"{iri}-create", "type": "Create", "actor": row.actor.iri}
    return {"@context": CONTEXT} | create | audience | {"object": note | audience}
