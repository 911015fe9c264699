"""`collab run`: the parent of the other processes. Imports as little as it can."""

from __future__ import annotations

import os
from pathlib import Path

import click

from collab.cli import INSTANCE, chosen
from collab.supervise import run as supervise


@click.command()
@click.option("--bind", default=None, help="HOST:PORT; default 127.0.0.1:$PORT, or :8000.")
@INSTANCE
@click.pass_context
def run(ctx: click.Context, bind: str | None, own_instance: Path | None) -> None:
    """Run the instance: web and worker, restarted when they die, stopped together.

    Makes a fresh instance in an empty folder; its first visitor names it.
    """
    where = bind or f"127.0.0.1:{os.environ.get('PORT', '8000')}"
    ctx.exit(supervise(where, chosen(ctx, own_instance)))
