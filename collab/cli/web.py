"""`collab web`: pages, API and sockets, in one gevent process."""
# ruff: noqa: E402 - gevent must be in place before anything else is imported

from gevent import monkey

monkey.patch_all()

import signal
from pathlib import Path

import click
import gevent
from gevent.pywsgi import WSGIServer

from collab.cli import INSTANCE, chosen, refuse
from collab.cli.opened import open_ready, speak
from collab.realtime.server import make_server

LAST_REQUESTS = 2
"""Seconds that requests under way get to end when the process is told to stop."""


@click.command()
@click.option("--bind", default=None, help="HOST:PORT; default 127.0.0.1:$PORT or :8000.")
@INSTANCE
@click.pass_context
def web(ctx: click.Context, bind: str | None, own_instance: Path | None) -> None:
    """Serve pages, the API and sockets."""
    speak()
    app = open_ready(chosen(ctx, own_instance))
    app.extensions["collab"].aside = gevent.get_hub().threadpool.apply
    host, _, port = (bind or "127.0.0.1:8000").rpartition(":")
    try:
        server = make_server(app, host, int(port))
        server.start()
    except OSError as error:
        refuse(f"{host}:{port} cannot be used ({error.strerror}): choose another with --bind")
    _serve_until_told(server)


def _serve_until_told(server: WSGIServer) -> None:
    stop = gevent.event.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    stop.wait()
    server.stop(timeout=LAST_REQUESTS)


realtime = web
