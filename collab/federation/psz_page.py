"""A project's discussions and documents as one page of plain HTML, to be read without a server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.markup import sanitise_remote
from collab.federation.log import stamp
from collab.federation.psz_files import Taken
from collab.spaces.models import Item, ItemState, Space
from collab.spaces.tool import Tools

Json = dict[str, Any]
POLICY = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'"
"""Nothing runs and nothing is fetched, but sounds from where the page itself is."""
HEAD = """<!doctype html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto }}
article {{ border-top: 1px solid #ccc; padding: .5rem 0 }}
.who {{ color: #555; font-size: .9rem }}
pre {{ overflow-x: auto }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{why}</p>
<p class="who">{iri} · {at}</p>
"""


def page_of_project(
    session: Session, tools: Tools, space: Space, at: datetime, files: Mapping[int, Taken]
) -> bytes:
    """The page, UTF-8. What was taken back is not in it. `files`: beside which item, by its id."""
    threads: dict[str, list[str]] = {}
    documents: list[str] = []
    for item in _items(session, space):
        try:
            told = tools.kind(item).mapping.to_object(session, item)
        except KeyError:  # of a room that is not installed here any more
            continue
        context, article = told.get("context"), _article(item, told, files.get(item.id))
        if isinstance(context, str):
            threads.setdefault(context, []).append(article)
        else:
            documents.append(article)
    parts = [
        HEAD.format(
            title=escape(space.name),
            why=escape(space.why),
            iri=escape(space.iri),
            at=stamp(at),
            policy=POLICY,
        )
    ]
    if threads:
        parts += ["<h2>Discussion</h2>", *("\n".join(said) for said in threads.values())]
    if documents:
        parts += ["<h2>Documents</h2>", *documents]
    return "\n".join([*parts, "</body>\n</html>\n"]).encode()


def _items(session: Session, space: Space) -> list[Item]:
    return list(
        session.scalars(
            select(Item)
            .where(
                Item.space_id == space.id,
                Item.withdrawn_at.is_(None),
                Item.state == ItemState.CONFIRMED,
            )
            .order_by(Item.created_at, Item.id)
        )
    )


def _article(item: Item, told: Json, file: Taken | None) -> str:
    title = f"<h3>{escape(item.title)}</h3>\n" if item.title else ""
    who = f"{escape(item.author.label)} ({escape(item.author.address)})"
    words = sanitise_remote(str(told.get("content") or ""))
    return (
        f'<article>\n{title}<p class="who">{who} · {stamp(item.created_at)} · '
        f"{escape(item.iri)}</p>\n{words}\n{_sound(file)}</article>"
    )


def _sound(file: Taken | None) -> str:
    """A recording beside the words, heard from the folder it was unpacked into."""
    if file is None:
        return ""
    name = escape(file.name)
    return (
        f'<p><audio controls preload="none" src="{name}"></audio>\n'
        f'<a href="{name}">{name}</a> ({escape(file.kind)})</p>\n'
    )
