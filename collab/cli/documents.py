"""`collab import markdown` and `collab export markdown`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import select

from collab.cli import INSTANCE, chosen, refuse
from collab.cli.opened import opened, person
from collab.people.models import Actor
from collab.spaces.models import Membership, MembershipState, Role, Space
from collab.spaces.queries import find_space
from collab.spaces.tools.pages.exchange import files_of, run_import
from collab.spaces.tools.pages.sources import files_in
from collab.spaces.tools.pages.trees import plan_import
from collab.web.extensions import db
from collab.web.runtime import Runtime

SPACE = click.option("--space", "slug", required=True, help="The project, by its address.")
EVERY = 20
"""Without a terminal, a line is printed after so many files."""


@click.group("import")
def import_() -> None:
    """Bring in what one has."""


@import_.command("markdown")
@click.argument("folder", type=click.Path(path_type=Path))
@SPACE
@click.option("--as", "alias", default=None, help="Who imports; else the first facilitator.")
@INSTANCE
@click.pass_context
def import_markdown(
    ctx: click.Context, folder: Path, slug: str, alias: str | None, own_instance: Path | None
) -> None:
    """Make documents of a tree of Markdown files. Doing it again changes only what changed."""
    if not folder.is_dir():
        refuse(f"{folder} is not a folder")
    with opened(chosen(ctx, own_instance)) as runtime:
        space = _space(runtime, slug)
        actor = person(alias) if alias else _facilitator(space)
        found = files_in(folder, runtime.settings.limits.import_file)
        plan = plan_import(db.session(), space, found)
        with _progress(len(plan.leaves) + len(plan.refused)) as tick:
            for path, _why in plan.refused:
                tick(path)
            report = run_import(lambda: runtime.work(actor), space, plan, tick)
    for path, why in report.refused:
        click.echo(f"refused {path}: {why}", err=True)
    for path, what in report.cleaned:
        click.echo(f"cleaned {path}: {what}", err=True)
    click.echo(report.line())


@click.group()
def export() -> None:
    """Take out what one has."""


@export.command("markdown")
@click.argument("folder", type=click.Path(path_type=Path))
@SPACE
@INSTANCE
@click.pass_context
def export_markdown(ctx: click.Context, folder: Path, slug: str, own_instance: Path | None) -> None:
    """Write a project's documents as a tree of Markdown files. Files of other names are left."""
    written = 0
    with opened(chosen(ctx, own_instance)) as runtime:
        space = _space(runtime, slug)
        try:
            for path, text in files_of(db.session(), space):
                _write(folder, path, text)
                written += 1
        except OSError as error:
            refuse(
                f"{error.filename or folder}: {error.strerror}; choose a folder you may write in"
            )
    click.echo(f"exported {written}")


def _write(folder: Path, path: str, text: str) -> None:
    """Write one file, never outside the folder, not even by a link that stands in it."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(folder.resolve()) or target.is_symlink():
        refuse(f"{target} leads out of {folder}: choose an empty folder")
    target.write_bytes(text.encode())


def _space(runtime: Runtime, slug: str) -> Space:
    space = find_space(db.session(), slug, runtime.settings.host)
    if space is None:
        refuse(f"no project is called {slug}: see `collab space create`")
        raise AssertionError
    return space


def _facilitator(space: Space) -> Actor:
    first = db.session.scalar(
        select(Membership)
        .where(
            Membership.space_id == space.id,
            Membership.role == Role.FACILITATOR,
            Membership.state == MembershipState.ACTIVE,
        )
        .order_by(Membership.since, Membership.id)
        .limit(1)
    )
    if first is None:
        refuse(f"{space.slug} has no facilitator: say who imports with --as ALIAS")
        raise AssertionError
    return first.actor


@contextmanager
def _progress(files: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal; elsewhere a line now and then."""
    if sys.stderr.isatty():
        with click.progressbar(length=files, label="import", file=sys.stderr) as bar:
            yield lambda path: bar.update(1)
        return
    done = 0

    def tick(path: str) -> None:
        nonlocal done
        done += 1
        if done % EVERY == 0 or done == files:
            click.echo(f"{done} of {files}", err=True)

    yield tick
