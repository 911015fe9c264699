"""`collab demo`: three linked instances on this machine, with content, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from collab.cli import refuse
from collab.demo.play import play
from collab.demo.stage import PASSWORD, Stage, Stuck, link, until
from collab.demo.story import HOUSES
from collab.listening import Refused, check_port

HALF_MADE = "demo: it ended half made: remove the folder {folder}, then start it again"


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("instance-demo"), show_default=True
)
@click.option(
    "--port",
    type=click.IntRange(1, 0xFFFF - len(HOUSES)),
    default=8101,
    show_default=True,
    help="The first of three ports.",
)
def demo(folder: Path, port: int) -> None:
    """Start an association, a school and a town hall on loopback, sharing one project."""
    for taken in range(port, port + len(HOUSES)):
        _check_free(taken)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stages = {
        house.key: Stage(house, (folder / house.key).resolve(), port + n)
        for n, house in enumerate(HOUSES)
    }
    played = folder / "played"
    try:
        _open(stages, played)
        _print(stages)
        _watch(stages, stop)
    except Stuck as stuck:
        why = [] if stop.is_set() else [f"demo: {stuck}"]
        refuse(*why, *([] if played.exists() else [HALF_MADE.format(folder=folder)]))
    finally:
        for stage in stages.values():
            if stage.process is not None:
                stage.process.terminate()
        for stage in stages.values():
            if stage.process is not None:
                stage.process.wait(15)


def _check_free(port: int) -> None:
    """Before anything is made: three instances take a while."""
    try:
        check_port("127.0.0.1", port)
    except Refused:
        refuse(f"demo: port {port} is not free: choose the first of three free ones with --port")


def _open(stages: dict[str, Stage], played: Path) -> None:
    for stage in stages.values():
        click.echo(f"… {stage.house.name}")
        stage.make()
        stage.start()
    for stage in stages.values():
        until(stage.ready, f"{stage.origin} answers")
    if not played.exists():
        link(stages, lambda told: click.echo(f"… {told}"))
        play(stages, lambda told: click.echo(f"… {told}"))
        played.write_text("done\n")


def _watch(stages: dict[str, Stage], stop: threading.Event) -> None:
    """Until Ctrl-C. Raises Stuck when an instance ends by itself."""
    while not stop.wait(1.0):
        for stage in stages.values():
            stage.check()


def _print(stages: dict[str, Stage]) -> None:
    click.echo(f"\nMot de passe de tous les comptes : {PASSWORD}\n")
    for stage in stages.values():
        names = ", ".join(alias for alias, _ in stage.house.people)
        click.echo(f"{stage.origin}  {stage.house.name}  ({names})")
    home = stages["asso"]
    click.echo(f"\nLe projet partagé : {home.origin}/p/jardin")
    click.echo("Ctrl-C arrête les trois instances.")
