"""`collab space`."""

from __future__ import annotations

from pathlib import Path

import click

from collab.cli import INSTANCE, chosen
from collab.cli.opened import opened, person
from collab.spaces.models import Visibility
from collab.spaces.operations import OpenSpace, open_space


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
