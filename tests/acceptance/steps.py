"""Steps that several journeys share."""

from __future__ import annotations

from typing import Any

from harness import Instance, until


def open_shared(
    a: Instance, b: Instance, slug: str, owner: str = "ada", member: str = "bea", **card: str
) -> str:
    """A project of A that a member of B follows, asks to join, and is admitted to.

    `card`: what else is said when it is opened. Returns the project's address as B writes it.
    """
    given = {"name": slug.capitalize(), "slug": slug, "join_policy": "request", **card}
    a.api("POST", "/spaces", as_=owner, sent=given)
    address = f"{slug}@{a.host}"
    b.api("POST", f"/spaces/{address}/follow", as_=member)
    until(
        lambda: b.api("GET", f"/spaces/{address}", as_=member)["following"] == "accepted",
        "the follow is accepted",
    )
    b.api("POST", f"/spaces/{address}/join", as_=member, sent={"note": "Bonjour"})
    if given["join_policy"] == "request":
        there = f"/spaces/{slug}/requests"
        asked = until(lambda: a.api("GET", there, as_=owner), "a request to join")
        a.api("POST", f"{there}/{asked[0]['member']}/accept", as_=owner)
    until(
        lambda: b.api("GET", f"/spaces/{address}", as_=member)["membership"] == "active",
        "the membership is known on B",
    )
    return address


def on_mirror(b: Instance, address: str, iri: str, alias: str, what: str) -> dict[str, Any]:
    """The copy of an item on B, once it is there. `what`: `discussion/threads` or the like."""
    found: dict[str, Any] = until(
        lambda: next(
            (
                row
                for row in b.api("GET", f"/spaces/{address}/{what}?limit=200", as_=alias)
                if row["iri"] == iri
            ),
            None,
        ),
        f"{iri} is on the mirror",
    )
    return found


def same_state(a: Instance, b: Instance, slug: str, address: str, alias: str = "bea") -> bool:
    """Whether host and mirror hold the same, entry for entry and object for object.

    `alias`: who asks on B.
    """
    here = a.api("GET", f"/spaces/{slug}/federation", as_="ada")
    there = b.api("GET", f"/spaces/{address}/federation", as_=alias)
    return bool(
        here["log"] == there["log"]
        and here["state_digest"] == there["state_digest"]
        and there["mirror"]["complete"]
    )


def bodies(instance: Instance, thread: str, alias: str) -> list[str]:
    """What is said in a thread, in order, every page of it."""
    said: list[str] = []
    path = f"/api/v1/items/{thread}/messages?limit=100"
    while path:
        answer = instance.ask("GET", path, as_=alias)
        said += [row["body"] for row in answer.json]
        link = answer.headers.get("link", "")
        path = link.partition(">")[0].removeprefix(f"<{instance.origin}") if link else ""
    return said
