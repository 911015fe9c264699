"""`collab reindex`: make the search index anew from the database."""

from __future__ import annotations

from pathlib import Path

import click

from collab.cli import INSTANCE, chosen, refuse
from collab.cli.opened import opened
from collab.search.indexer import reindex as fill
from collab.web.extensions import db


@click.command()
@INSTANCE
@click.pass_context
def reindex(ctx: click.Context, own_instance: Path | None) -> None:
    """Make the search index anew from the database; the old one answers meanwhile."""
    with opened(chosen(ctx, own_instance)) as runtime:
        backend = runtime.app.extensions["collab.index"]
        try:
            count = fill(db.session(), runtime.tools, backend, _say)
            db.session.commit()
        except OSError as error:
            refuse(f"the search index cannot be written: {error}")
            raise
    click.echo(f"\r{count} items can be found")


def _say(done: int) -> None:
    click.echo(f"\r{done} items", nl=False, err=True)
