"""The command line. Each command's module is loaded when it is asked for, and not before.

So `collab run`, the parent of the other processes, stays small, and `collab web` can prepare
gevent before anything else is imported.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click

COMMANDS = {
    "init": "collab.cli.setup",
    "run": "collab.cli.run",
    "web": "collab.cli.web",
    "worker": "collab.cli.worker",
    "realtime": "collab.cli.web",
    "migrate": "collab.cli.setup",
    "prepare": "collab.cli.setup",
    "user": "collab.cli.people",
    "token": "collab.cli.people",
    "space": "collab.cli.spaces",
    "import": "collab.cli.documents",
    "export": "collab.cli.documents",
    "peer": "collab.cli.peers",
    "show": "collab.cli.show",
    "keys": "collab.cli.keys",
    "log": "collab.cli.log",
    "mirror": "collab.cli.mirror",
    "reindex": "collab.cli.search",
    "demo": "collab.cli.demo",
}

SAME = {"peers": "peer"}
"""Other spellings that are understood."""


class Lazy(click.Group):
    """A group whose commands live in modules of their own: command `x-y` is `x_y` there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the module of one command."""
        cmd_name = SAME.get(cmd_name, cmd_name)
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name}_" if cmd_name == "import" else cmd_name
        command: click.Command = getattr(loaded(COMMANDS[cmd_name]), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Say what each command does. This loads them all: first the one that prepares gevent."""
        self.get_command(ctx, "web")
        super().format_commands(ctx, formatter)


def loaded(name: str) -> ModuleType:
    """That module. Nothing of what it brings is ever rubbish, so nobody looks for any in it."""
    if name in sys.modules:
        return sys.modules[name]
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--instance",
    type=click.Path(path_type=Path),
    default=lambda: Path(os.environ.get("COLLAB_INSTANCE", "instance")),
    show_default="./instance",
    help="The folder that holds the instance.",
)
@click.pass_context
def cli(ctx: click.Context, instance: Path) -> None:
    """collab: a self-hosted, federated space where citizens work together."""
    os.umask(0o077)  # what an instance writes, the index too, is its own user's alone
    ctx.obj = instance


def refuse(*lines: str) -> None:
    """End the command with status 1 and say why and what to do, a line each."""
    for line in lines:
        click.echo(f"collab: {line}", err=True)
    sys.exit(1)


INSTANCE = click.option(
    "--instance", "own_instance", type=click.Path(path_type=Path), help="The instance's folder."
)
"""`--instance` is accepted after the command as well as before it."""


def chosen(ctx: click.Context, own: Path | None) -> Path:
    """The folder named after the command, else the one named before it, else `./instance`."""
    folder = own or ctx.obj
    return Path(folder).resolve()


def main() -> None:
    """Entry point of the `collab` command."""
    cli(prog_name="collab")
