"""What every template knows: the site, who looks, in which language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy.exc import NoResultFound, SQLAlchemyError

from collab.core.db import now
from collab.people.accessibility import Conformity, conformity
from collab.people.face import face_of
from collab.people.logo import Logo
from collab.people.look import mark_of, sheet_of
from collab.people.models import Account, AccountRole
from collab.people.queries import linked_peers
from collab.spaces.models import Item, Role, Space
from collab.spaces.policy import may_read, role_of
from collab.spaces.tool import Tool
from collab.web.extensions import db
from collab.web.reasons import in_words
from collab.web.runtime import current_runtime
from collab.web.tongues import tongue_here
from collab.web.view import account, dbsession, viewer


@dataclass(frozen=True)
class Page:
    """One page of a list: its number from 1, how many there are, and where it begins."""

    number: int
    pages: int
    offset: int

    @classmethod
    def asked(cls, number: int, total: int, per_page: int) -> Page:
        """The page that was asked for, or the nearest one there is."""
        pages = max((total + per_page - 1) // per_page, 1)
        number = min(max(number, 1), pages)
        return cls(number, pages, (number - 1) * per_page)


@dataclass(frozen=True)
class SiteCard:
    """What the frame of every page says of this instance."""

    name: str
    tagline: str
    contact: str
    base_url: str
    host: str
    allow_loopback: bool
    registration: str
    look: str = ""
    """The address of its own colours; empty: those of the style sheet."""
    colours: str = ""
    """The same colours as a style sheet."""
    accessibility: str = Conformity.NONE
    """What the audit that counts comes to: `none`, `partial` or `full`."""
    logo: Logo | None = None
    """What stands in the place of its cloth."""


@dataclass(frozen=True)
class ViewerCard:
    """Who looks, as the frame shows it."""

    id: int
    name: str
    display_name: str
    address: str
    role: str
    """`member`, `moderator` or `admin`."""


def register(app: Flask) -> None:
    """Set up the context of templates."""
    app.context_processor(frame)
    app.jinja_env.globals["arrival"] = arrival
    app.jinja_env.filters["reason"] = in_words


def frame() -> dict[str, Any]:
    """The variables that base.html needs. Survives a database that does not answer."""
    try:
        return _frame()
    except (SQLAlchemyError, NoResultFound):
        db.session.rollback()
        settings = current_runtime().settings
        bare = SiteCard(
            settings.site.name,
            "",
            "",
            settings.origin,
            settings.host,
            settings.federation.allow_loopback,
            "closed",
        )
        return {"site": bare, "viewer": None, "locale": tongue_here().code, "peers_count": 0}


def _frame() -> dict[str, Any]:
    settings = current_runtime().settings
    row, look, logo, audit = face_of(dbsession())
    found = account()
    return {
        "site": SiteCard(
            row.name,
            row.tagline,
            row.contact,
            settings.origin,
            settings.host,
            settings.federation.allow_loopback,
            row.registration,
            f"/theme.{mark_of(look)}.css" if look else "",
            sheet_of(look) if look else "",
            accessibility=conformity(audit, now().date()),
            logo=logo,
        ),
        "viewer": _viewer(found) if found else None,
        "locale": tongue_here().code,
        "peers_count": linked_peers(dbsession()),
    }


def _viewer(found: Account) -> ViewerCard:
    actor = found.actor
    role = AccountRole(found.role).name.lower()
    return ViewerCard(actor.id, actor.name, actor.label, actor.address, role)


def space_frame(space: Space, current: str) -> dict[str, Any]:
    """What space_base.html needs: the space, its tabs, the viewer's role in it."""
    actor = viewer()
    tools = [t for t in current_runtime().tools if t.name in space.tools]
    readable = may_read(dbsession(), space, actor)  # a card may be seen where nothing is counted
    return {
        "space": space,
        "current": current,
        "role": role_of(dbsession(), space, actor.id if actor else None),
        "tools": [_tab(t, space, counted=readable) for t in tools],
    }


def arrival(space: Space, item: Item) -> Any:
    """On how many copies a thing has arrived (`received`, `of`), for whoever wrote it and for the
    facilitators; on a copy for its author, where none are counted. None for everybody else."""
    actor = viewer()
    own = actor is not None and item.author_id == actor.id
    if not space.local:
        return {"received": 0, "of": 0} if own else None
    charged = role_of(dbsession(), space, actor.id if actor else None) >= Role.FACILITATOR
    if not (own or charged):
        return None
    return current_runtime().network.tallies(space, [item]).get(item.id)


def _tab(tool: Tool, space: Space, *, counted: bool) -> dict[str, Any]:
    count = tool.count(dbsession(), space) if tool.count and counted else None
    url = f"{space.url}/{tool.name}/"
    return {"name": tool.name, "title": tool.title, "url": url, "count": count}
