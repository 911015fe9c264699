"""`collab worker`: everything that happens after a change: federation, search, schedules."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from collab.cli import INSTANCE, chosen
from collab.cli.opened import open_ready, speak
from collab.core.service import serve


@click.command()
@INSTANCE
@click.pass_context
def worker(ctx: click.Context, own_instance: Path | None) -> None:
    """Do the work that waits: deliveries, search index, schedules."""
    speak()
    runtime = open_ready(chosen(ctx, own_instance)).extensions["collab"]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve(runtime.services, runtime.pulse, stop)
