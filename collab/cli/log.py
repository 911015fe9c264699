"""`collab log`: verify the signed history of a project, and take it out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from collab.cli import INSTANCE, chosen, refuse
from collab.cli.opened import opened
from collab.federation.audit import audit
from collab.federation.chain import BrokenLog
from collab.federation.house import Federation
from collab.federation.keys import BadKey
from collab.federation.log import head
from collab.federation.psz import Sealer, write_psz
from collab.spaces.models import Space
from collab.spaces.queries import find_space
from collab.web.extensions import db
from collab.web.runtime import Runtime

EVERY = 2000
"""Without a terminal, a line is printed after so many entries."""


@click.group()
def log() -> None:
    """The signed history of a project."""


@log.command("verify")
@click.argument("project")
@INSTANCE
@click.pass_context
def verify(ctx: click.Context, project: str, own_instance: Path | None) -> None:
    """Read the log of PROJECT (`jardin`, or `jardin@a.example`) again from its first entry.

    Ends with status 1 at the first entry that is not right, and says which and why.
    """
    with opened(chosen(ctx, own_instance)) as runtime:
        space = _space(runtime, project)
        end, iri = head(db.session(), space), space.iri
        try:
            doubtful = audit(db.session(), space, _federation(runtime).now(), progress)
        except BrokenLog as broken:
            refuse(f"entry {broken.seq} of {iri}/log: {broken.detail}")
    for link in doubtful:
        click.echo(f"entry {link.seq} stands without effect: {link.doubt}")
    click.echo(f"{iri}/log: {end.seq} entries, each right; the newest is {end.head}")


@log.command("export")
@click.argument("project")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@INSTANCE
@click.pass_context
def export(ctx: click.Context, project: str, file: Path, own_instance: Path | None) -> None:
    """Write the whole history of PROJECT to FILE (project.psz), with what verifies it."""
    with opened(chosen(ctx, own_instance)) as runtime:
        space, federation = _space(runtime, project), _federation(runtime)
        sealer = space.actor if space.local else federation.instance_actor()
        key = federation.signing_key(sealer, "ed25519")
        try:
            by = Sealer(sealer, key, federation.now())
            count = write_psz(db.session(), runtime.tools, runtime.blobs, space, file, by)
        except OSError as error:
            refuse(f"{file}: {error.strerror or error}; choose a place you may write to")
        except BadKey as error:
            refuse(
                f"{error}: hand on the archive that this copy was made from, or wait for its host"
            )
    click.echo(f"{file}: {count} entries; verify it with `python verify.py {file.name}`")


def _federation(runtime: Runtime) -> Federation:
    found: Federation = runtime.app.extensions["collab.federation"]
    return found


def _space(runtime: Runtime, address: str) -> Space:
    space = find_space(db.session(), address, runtime.settings.host)
    if space is None:
        refuse(f"there is no project {address} here")
        raise AssertionError
    return space


def progress(done: int, total: int) -> None:
    """Say how many entries of how many are done."""
    if sys.stderr.isatty():
        click.echo(f"\r{done}/{total}", nl=done == total, err=True)
    elif done % EVERY < EVERY / 10 or done == total:
        click.echo(f"{done}/{total}", err=True)
