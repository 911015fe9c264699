"""The reckoning after the chaos: what each instance holds, and what is wrong with it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Any

from harness import Instance, until
from townsfolk import Reader, Word

TOKEN = re.compile(r"«\w+-\d+»")
NOTICES = """
SELECT person.name, answer.iri, answer.withdrawn_at IS NOT NULL,
       (SELECT count(*) FROM notice WHERE item_id = answer.id AND actor_id = person.id
                                      AND why = 'answered')
FROM message JOIN item AS answer ON answer.id = message.id
JOIN item AS opened ON opened.id = message.thread_id
JOIN actor AS person ON person.id = opened.author_id
WHERE person.local AND answer.author_id != person.id
"""
"""Who of here is told of which answer, whether it was taken back, and how often they are told."""


def everything(instance: Instance, address: str, alias: str) -> dict[str, dict[str, Any]]:
    """What a project holds on one instance: IRI to what every copy of it must say the same."""
    found: dict[str, dict[str, Any]] = {}
    rows = listed(instance, f"/api/v1/spaces/{address}/discussion/threads?limit=200", alias)
    for thread in rows:
        for row in listed(instance, f"/api/v1/items/{thread['id']}/messages?limit=200", alias):
            found[row["iri"]] = _said(row)
    for row in listed(instance, f"/api/v1/spaces/{address}/pages/documents?limit=200", alias):
        found[row["iri"]] = _said(row)
    return found


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": row.get("title"),
        "body": row["body"],
        "away": bool(row.get("withdrawn_at")),
        "state": row["state"],
        "reactions": row.get("reactions"),
    }


def listed(instance: Instance, path: str, alias: str) -> list[dict[str, Any]]:
    """Every page of a list of the API."""
    rows: list[dict[str, Any]] = []
    while path:
        answer = instance.ask("GET", path, as_=alias)
        assert answer.status == 200, f"{path}: {answer.status} {answer.text[:300]}"
        rows += answer.json
        link = answer.headers.get("link", "")
        path = link.partition(">")[0].removeprefix(f"<{instance.origin}") if link else ""
    return rows


def differing(host: dict[str, Any], copy: dict[str, Any], name: str) -> list[str]:
    """What a copy has not, has too much, or has otherwise than the host.

    What was taken back before anybody elsewhere heard of it is told to nobody: it may be shown as
    taken back where it was written, and nowhere else.
    """
    host, copy = _told(host, copy), _told(copy, host)
    wrong = [f"{name} lacks {iri}: {host[iri]}" for iri in host.keys() - copy.keys()]
    wrong += [f"{name} alone has {iri}: {copy[iri]}" for iri in copy.keys() - host.keys()]
    wrong += [
        f"{iri}: host {host[iri]}, {name} {copy[iri]}"
        for iri in host.keys() & copy.keys()
        if host[iri] != copy[iri]
    ]
    return wrong


def _told(held: dict[str, Any], elsewhere: dict[str, Any]) -> dict[str, Any]:
    return {iri: row for iri, row in held.items() if iri in elsewhere or not row["away"]}


def miscounted(held: dict[str, Any], words: Iterable[Word]) -> list[str]:
    """Accepted words that are not there, words that are there twice, and wrong fates."""
    shown = Counter[str]()
    fates: dict[str, bool] = {}
    for row in held.values():
        found = TOKEN.search(f"{row['title'] or ''} {row['body'] or ''}")
        if found:
            shown[found[0]] += 1
            fates[found[0]] = row["away"]
    gone = sum(1 for row in held.values() if row["away"])
    wrong, withdrawn = [], 0
    for word in words:
        count = shown[word.token]
        withdrawn += word.fate in ("away", "unknown")
        if count > 1:
            wrong.append(f"{word.token} is there {count} times")
        elif count == 0 and word.accepted and word.fate == "there":
            wrong.append(f"{word.token} was accepted and is not there")
        elif count and word.fate == "away" and not fates[word.token]:
            wrong.append(f"{word.token} was taken back and is there")
    if gone > withdrawn:
        wrong.append(f"{gone} are shown as taken back, and at most {withdrawn} were")
    return wrong


def untold(reader: Reader, held: dict[str, Any]) -> list[str]:
    """Facts that an open page was told twice."""
    numbers = Counter(fact["seq"] for fact in reader.told)
    wrong = [f"fact {seq} was told {n} times" for seq, n in numbers.items() if n > 1]
    news = Counter(fact["item"] for fact in reader.told if fact["name"] == "item.published")
    wrong += [f"item {uid} was announced {n} times" for uid, n in news.items() if n > 1]
    if not reader.resyncs and sum(news.values()) == 0 and held:
        wrong.append("an open page was told nothing at all")
    return wrong


def misnotified(instance: Instance) -> list[str]:
    """Answers that people of an instance are told of not once, and notices of anything else.

    What was taken back may have come and gone before anybody could be told.
    """
    file = f"file:{instance.path / 'collab.sqlite'}?mode=ro"
    with closing(sqlite3.connect(file, uri=True)) as database:
        told = database.execute(NOTICES).fetchall()
        ((number,),) = database.execute("SELECT count(*) FROM notice").fetchall()
    wrong = [
        f"{instance.name}: {name} is told {times} times of {iri}"
        for name, iri, away, times in told
        if times > 1 or (times == 0 and not away)
    ]
    if not told:
        wrong.append(f"{instance.name}: nobody was answered at all")
    others = number - sum(times for *_, times in told)
    return wrong + ([f"{instance.name}: {others} notices of nothing"] if others else [])


def _due(instance: Instance) -> list[dict[str, Any]]:
    """The jobs that should be done by now, and those that were given up."""
    jobs = json.loads(instance.cli("show", "jobs", "--json"))
    now = datetime.now(UTC)
    return [
        job
        for job in jobs
        if job["state"] == "dead" or datetime.fromisoformat(job["run_at"]) <= now
    ]


def unfinished(instance: Instance) -> list[str]:
    """Jobs that were given up or that nobody does, and letters that were refused or not delivered
    in time."""
    with suppress(AssertionError):  # what is left then is told below
        until(lambda: not _due(instance), f"{instance.name} does its jobs")
    wrong = [f"{instance.name}: {job['state']} job {job}" for job in _due(instance)]
    letters = json.loads(instance.cli("show", "deliveries", "--json"))
    return wrong + [
        f"{instance.name}: {letter['state']} {letter['activity']} {letter['error']}"
        for letter in letters
        if letter["state"] in ("refused", "expired")
    ]
