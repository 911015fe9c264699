"""`collab init` and `collab migrate`."""

from __future__ import annotations

from pathlib import Path

import click

from collab import instance as folder
from collab.cli import INSTANCE, chosen, refuse
from collab.cli.opened import opened, password_from, settings_of
from collab.config import BadSettings
from collab.migrate import upgrade
from collab.people.first import first_administrator
from collab.people.operations import Register, account_errors
from collab.setup import create_instance
from collab.web.extensions import db


@click.command()
@click.option("--name", required=True, help="What the instance is called.")
@click.option("--base-url", required=True, help="Its address for others: https://example.org")
@click.option("--admin", required=True, help="The alias of the first administrator.")
@click.option(
    "--admin-password-file", required=True, type=click.Path(path_type=Path, allow_dash=True)
)
@INSTANCE
@click.pass_context
def init(
    ctx: click.Context,
    name: str,
    base_url: str,
    admin: str,
    admin_password_file: Path,
    own_instance: Path | None,
) -> None:
    """Create an instance. Refuses to overwrite one."""
    instance = chosen(ctx, own_instance)
    if folder.exists(instance):
        refuse(f"{instance} holds an instance already; choose another folder with --instance")
    try:
        given = Register(alias=admin, password=password_from(admin_password_file))
        if errors := account_errors(given):
            refuse(*[f"{field}: {text}" for field, text in errors.items()])
        app = create_instance(instance, name, base_url)
    except BadSettings as bad:
        refuse(*bad.mistakes)
    except OSError as error:
        refuse(f"{error.filename or instance}: {error.strerror}; choose a folder you may write in")
    with app.app_context():
        first_administrator(app.extensions["collab"].work, name, given)
    click.echo(f"created {instance}")


@click.command()
@INSTANCE
@click.pass_context
def migrate(ctx: click.Context, own_instance: Path | None) -> None:
    """Bring the database to the version of this program."""
    settings_of(chosen(ctx, own_instance))
    with opened(chosen(ctx, own_instance)):
        upgrade(db.engine)
    click.echo("database is up to date")
