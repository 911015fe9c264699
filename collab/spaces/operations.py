"""Opening a project space, changing what it says of itself, archiving it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from collab.core.errors import Conflict, Forbidden, Invalid
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.actors import host_of, new_local_actor
from collab.people.models import ActorKind
from collab.spaces.events import (
    MemberAdmitted,
    SpaceArchived,
    SpaceOpened,
    SpaceReopened,
    SpaceRevised,
)
from collab.spaces.models import JoinPolicy, Membership, Role, Space, Visibility
from collab.spaces.policy import require, require_hosted_here

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?")
INSEE = re.compile(r"(?:\d{5}|2[AB]\d{3})")
MAX_NAME, MAX_CARD = 120, 2000
DEFAULT_TOOLS = ("discussion", "pages", "simple")


@dataclass(frozen=True)
class SpaceWords:
    """What a space says of itself, and its settings; `tools` are names of tools."""

    name: str
    why: str = ""
    who: str = ""
    how: str = ""
    territory: str = ""
    insee_code: str = ""
    visibility: Visibility = Visibility.PUBLIC
    join_policy: JoinPolicy = JoinPolicy.REQUEST
    tools: tuple[str, ...] = DEFAULT_TOOLS


@dataclass(frozen=True)
class OpenSpace(SpaceWords):
    """What a person says when opening a space; without a `slug` it is made from the name."""

    slug: str = ""


@dataclass(frozen=True)
class ReviseSpace(SpaceWords):
    """New words and settings for a space; the slug never changes."""


@dataclass(frozen=True)
class ShowPresence:
    """Whether linked instances hear who of a project's members is here and writing."""

    elsewhere: bool = False


def slug_of(name: str) -> str:
    """A short address made from a name: `Jardin partagé` gives `jardin-partage`."""
    plain = name.replace("œ", "oe").replace("Œ", "oe").replace("æ", "ae")
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:60].strip("-")


def open_space(work: Work, given: OpenSpace) -> Space:
    """Open a project space of this instance; whoever opens it is its first facilitator.

    Raises:
        Forbidden: a remote or suspended actor asks.
        Invalid: no name, an address that is taken or malformed, an unknown INSEE code, no tool.
    """
    if not work.actor.local:
        raise Forbidden(N_("Un projet s’ouvre sur sa propre instance."))
    slug = given.slug.strip().lower() or slug_of(given.name)
    errors = _card_errors(given)
    if not SLUG.fullmatch(slug):
        errors["slug"] = N_(
            "L’adresse ne contient que des lettres sans accent, chiffres et tirets."
        )
    if errors:
        raise Invalid(**errors)
    try:
        actor = new_local_actor(work, ActorKind.GROUP, slug, given.name.strip())
    except Invalid as taken:
        raise Invalid(slug=taken.fields["name"]) from taken
    space = Space(
        actor_id=actor.id,
        slug=slug,
        host=host_of(work.origin),
        local=True,
        created_at=work.now,
        **_card(given),
    )
    work.session.add(space)
    work.session.flush()
    first = Membership(
        space_id=space.id,
        actor_id=work.actor.id,
        role=Role.FACILITATOR,
        grant_iri=work.mint(f"/p/{slug}/grants/"),
        since=work.now,
    )
    work.session.add(first)
    ids = {"space_id": space.id, "actor_id": work.actor.id}
    work.record(SpaceOpened(**ids))
    work.record(MemberAdmitted(**ids, member_id=work.actor.id, role=int(Role.FACILITATOR)))
    return space


def revise_space(work: Work, space: Space, given: ReviseSpace) -> Space:
    """Change a space's words and settings.

    Raises:
        Forbidden: the actor is no facilitator, or the space is hosted elsewhere.
        Invalid: as for open_space.
    """
    require(work, space, Role.FACILITATOR)
    require_hosted_here(space)
    if errors := _card_errors(given):
        raise Invalid(**errors)
    for name, value in _card(given).items():
        setattr(space, name, value)
    space.actor.display_name = space.name
    space.revised_at = work.now
    work.record(SpaceRevised(space_id=space.id, actor_id=work.actor.id))
    return space


def show_presence(work: Work, space: Space, given: ShowPresence) -> Space:
    """Let other instances hear who is here and writing, or no longer (FEDERATION.md 4.7).

    Raises:
        Forbidden: the actor is no facilitator, or the space is hosted elsewhere.
        Conflict: it never leaves this instance.
    """
    require(work, space, Role.FACILITATOR)
    require_hosted_here(space)
    if given.elsewhere and not space.federates:
        raise Conflict(N_("Ce projet ne quitte pas cette instance."))
    space.presence_elsewhere = given.elsewhere
    return space


def archive_space(work: Work, space: Space) -> None:
    """Close a space for writing; everything stays readable.

    Raises:
        Forbidden: the actor is no facilitator, or the space is hosted elsewhere.
        Conflict: it is archived already.
    """
    require(work, space, Role.FACILITATOR)
    require_hosted_here(space)
    space.archived_at = work.now
    work.record(SpaceArchived(space_id=space.id, actor_id=work.actor.id))


def reopen_space(work: Work, space: Space) -> None:
    """Open an archived space again.

    Raises:
        Forbidden: the actor is no facilitator, or the space is hosted elsewhere.
        Conflict: it is not archived, or it is somewhere else now.
    """
    if space.archived_at is None:
        raise Conflict(N_("Ce projet n’est pas archivé."))
    if space.actor.moved_to:
        raise Conflict(N_("Ce projet a déménagé : il continue à sa nouvelle adresse."))
    space.archived_at = None
    work.session.flush()
    require(work, space, Role.FACILITATOR)
    require_hosted_here(space)
    work.record(SpaceReopened(space_id=space.id, actor_id=work.actor.id))


def _card(given: SpaceWords) -> dict[str, object]:
    return {
        "name": given.name.strip(),
        "why": given.why.strip(),
        "who": given.who.strip(),
        "how": given.how.strip(),
        "territory": given.territory.strip(),
        "insee_code": given.insee_code.strip().upper(),
        "visibility": given.visibility,
        "join_policy": given.join_policy,
        "tools": list(given.tools),
    }


def _card_errors(given: SpaceWords) -> dict[str, str]:
    errors = {}
    if not given.name.strip():
        errors["name"] = N_("Donnez un nom au projet.")
    if len(given.name) > MAX_NAME:
        errors["name"] = N_("Ce nom est trop long : 120 caractères au plus.")
    for field in ("why", "who", "how"):
        if len(getattr(given, field)) > MAX_CARD:
            errors[field] = N_("Ce texte est trop long : 2 000 caractères au plus.")
    if len(given.territory) > MAX_NAME:
        errors["territory"] = N_("Ce nom est trop long : 120 caractères au plus.")
    code = given.insee_code.strip().upper()
    if code and not INSEE.fullmatch(code):
        errors["insee_code"] = N_("Un code INSEE a cinq caractères, par exemple 80021.")
    if not given.tools:
        errors["tools"] = N_("Choisissez au moins un outil.")
    return errors
