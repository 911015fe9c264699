"""`collab space`."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import select

from collab.cli import INSTANCE, chosen, refuse
from collab.cli.opened import opened, person
from collab.federation.departing import Depart, agreed, move_space
from collab.federation.house import Federation
from collab.people.former import Former, also_known, no_longer_known
from collab.people.models import Actor
from collab.spaces.models import Space, Visibility
from collab.spaces.operations import OpenSpace, open_space
from collab.web.extensions import db


@click.group()
def space() -> None:
    """Project spaces."""


@space.command("create")
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--owner", required=True, help="The alias of the first facilitator.")
@click.option("--visibility", type=click.Choice([v.value for v in Visibility]), default="public")
@INSTANCE
@click.pass_context
def create(
    ctx: click.Context,
    slug: str,
    name: str,
    owner: str,
    visibility: str,
    own_instance: Path | None,
) -> None:
    """Open a project space."""
    with opened(chosen(ctx, own_instance)) as runtime:
        actor = person(owner)
        tools = tuple(runtime.tools.names())
        with runtime.work(actor) as work:
            given = OpenSpace(name=name, slug=slug, visibility=Visibility(visibility), tools=tools)
            open_space(work, given)
    click.echo(f"created {slug}")


@space.command("known-as")
@click.argument("slug")
@click.argument("address")
@click.option("--drop", is_flag=True, help="Say it no more.")
@INSTANCE
@click.pass_context
def known_as(
    ctx: click.Context, slug: str, address: str, drop: bool, own_instance: Path | None
) -> None:
    """Say that SLUG is the project at ADDRESS too, so that that one may move here."""
    with opened(chosen(ctx, own_instance)) as runtime:
        federation: Federation = runtime.app.extensions["collab.federation"]
        group = _own(slug).actor
        other = federation.resolve_actor(federation.resolve_address(address))
        with runtime.work(group) as work:
            (no_longer_known if drop else also_known)(work, Former(other.iri))
        click.echo("\n".join(db.session.get_one(Actor, group.id).also_known_as))


@space.command("move")
@click.argument("slug")
@click.argument("address")
@click.option("--by", required=True, help="The alias of a facilitator of SLUG.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@INSTANCE
@click.pass_context
def move(
    ctx: click.Context, slug: str, address: str, by: str, yes: bool, own_instance: Path | None
) -> None:
    """Say that the project SLUG is at ADDRESS, on another instance, from now on. It is final.

    That project must name this one first (`collab space known-as`, there). This one is archived:
    its texts stay here to be read, who follows it elsewhere follows the new one.
    """
    with opened(chosen(ctx, own_instance)) as runtime:
        federation: Federation = runtime.app.extensions["collab.federation"]
        new = agreed(federation, _own(slug).actor, address)
        if not yes:
            click.confirm(f"{slug} moves to {new.iri} for good. Go on?", abort=True)
        with runtime.work(person(by)) as work:
            moved = move_space(work, _own(slug), Depart(new.iri))
        click.echo(f"moved to {moved.iri}")


def _own(slug: str) -> Space:
    """The project of this instance with that address; ends the command when there is none."""
    found = db.session.scalar(select(Space).where(Space.slug == slug, Space.local))
    if found is None:
        refuse(f"there is no project {slug} here")
    assert found is not None
    return found
