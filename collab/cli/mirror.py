"""`collab mirror`: the copies that are held here of projects of other instances."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import select

from collab.cli import INSTANCE, chosen, refuse
from collab.cli.log import progress
from collab.cli.opened import opened
from collab.core.errors import Problem
from collab.federation.chain import BrokenLog
from collab.federation.house import Federation
from collab.federation.models import Mirror
from collab.federation.psz_archive import Unusable
from collab.federation.psz_import import import_psz
from collab.federation.restart import restart_copy
from collab.federation.unapplied import count_unapplied
from collab.spaces.models import Space
from collab.spaces.queries import find_space
from collab.web.extensions import db


@click.group()
def mirror() -> None:
    """Copies of projects of other instances."""


@mirror.command("list")
@INSTANCE
@click.pass_context
def show(ctx: click.Context, own_instance: Path | None) -> None:
    """Every copy: its address, how it stands, entries held of those known, what is wrong."""
    with opened(chosen(ctx, own_instance)):
        session = db.session()
        rows = session.execute(
            select(Mirror, Space).join(Space, Space.id == Mirror.space_id).order_by(Space.host)
        ).all()
        for row, space in rows:
            missing = count_unapplied(session, space.id)
            without = f"{missing} without effect" if missing else ""
            figures = f"{row.seq}/{max(row.remote_seq, row.seq)}"
            told = (space.address, row.state, figures, without, row.last_error)
            click.echo("\t".join(told).rstrip())


@mirror.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--key", "first", default="", help="The key the project began with, z6Mk…")
@INSTANCE
@click.pass_context
def take_in(ctx: click.Context, file: Path, first: str, own_instance: Path | None) -> None:
    """Make or carry forward the copy of a project from FILE (project.psz), also without its host.

    It is verified whole before anything is changed. Where the host cannot be asked which key the
    project began with, --key says the one that you compared by another way.
    """
    with opened(chosen(ctx, own_instance)) as runtime:
        federation: Federation = runtime.app.extensions["collab.federation"]
        try:
            done = import_psz(federation, file, first, progress)
        except (Unusable, BrokenLog) as bad:
            refuse(f"{file}: {bad}")
            return
        if not done.asked:
            click.echo(f"its host cannot be asked; the project began with the key {done.first}")
        if done.without:
            click.echo(f"{done.without} entries have no effect yet: they are tried again")
        if not done.same:
            click.echo("the copy differs from what the archive was made of: see its page", err=True)
        click.echo(
            f"{done.address}: {done.entries} entries and {done.files} recordings taken in, "
            f"up to entry {done.seq}"
        )


@mirror.command("restart")
@click.argument("project")
@click.option("--from-start", "whole", is_flag=True, help="Read the whole log again.")
@INSTANCE
@click.pass_context
def restart(ctx: click.Context, project: str, whole: bool, own_instance: Path | None) -> None:
    """Let the copy of PROJECT (`jardin@a.example`) begin again, after the last entry that verifies.

    What people of here wrote and the host has not confirmed yet is kept.
    """
    with opened(chosen(ctx, own_instance)) as runtime:
        federation: Federation = runtime.app.extensions["collab.federation"]
        slug, _, host = project.partition("@")
        space = find_space(db.session(), slug, host)
        if space is None:
            refuse(f"there is no copy of {project} here: see `collab mirror list`")
            return
        try:
            row = restart_copy(federation, federation.instance_actor(), space, whole=whole)
        except Problem as problem:
            refuse(problem.message)
            return
        click.echo(f"{project}: goes on after entry {row.seq}, asked of {host}")
