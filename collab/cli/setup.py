"""`collab init`, `collab migrate`, and what `collab run` does first."""

from __future__ import annotations

import os
from pathlib import Path

import click

from collab import instance as folder
from collab.cli import INSTANCE, chosen, refuse
from collab.cli.opened import opened, password_from, settings_of
from collab.config import PREFIX, BadSettings, SiteSettings
from collab.migrate import upgrade
from collab.people.first import first_administrator
from collab.people.operations import Register, account_errors
from collab.people.site import ReviseSite, site_errors
from collab.setup import create_instance, make_ready
from collab.web.extensions import db


@click.command()
@click.option("--name", required=True, help="What the instance is called.")
@click.option("--base-url", required=True, help="Its address for others: https://example.org")
@click.option("--admin", required=True, help="The alias of the first administrator.")
@click.option(
    "--admin-password-file", required=True, type=click.Path(path_type=Path, allow_dash=True)
)
@click.option("--admin-display-name", default="", help="How their name is shown.")
@click.option("--tagline", default="", help="A line under the name, 120 characters at most.")
@click.option("--contact", default="", help="Whom to talk to: a place, hours, a number.")
@click.option(
    "--school", is_flag=True, help="Only instances that were accepted; people by invitation."
)
@INSTANCE
@click.pass_context
def init(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: click.Context,
    name: str,
    base_url: str,
    admin: str,
    admin_password_file: Path,
    admin_display_name: str,
    tagline: str,
    contact: str,
    school: bool,
    own_instance: Path | None,
) -> None:
    """Create an instance. Refuses to overwrite one."""
    instance = chosen(ctx, own_instance)
    if folder.exists(instance):
        refuse(f"{instance} holds an instance already; choose another folder with --instance")
    try:
        given = Register(
            alias=admin,
            password=password_from(admin_password_file),
            display_name=admin_display_name,
        )
        said = ReviseSite(name, tagline, contact=contact)
        if errors := account_errors(given) | site_errors(said):
            refuse(*[f"{field}: {text}" for field, text in errors.items()])
        app = create_instance(instance, name, base_url)
    except BadSettings as bad:
        refuse(*bad.mistakes)
    except OSError as error:
        refuse(f"{error.filename or instance}: {error.strerror}; choose a folder you may write in")
    with app.app_context():
        start = app.extensions["collab"].work
        first_administrator(start, name, given, school=school, tagline=tagline, contact=contact)
    click.echo(f"created {instance}")


@click.command(hidden=True)
@click.option("--bind", required=True, help="HOST:PORT, the address of a new instance.")
@INSTANCE
@click.pass_context
def prepare(ctx: click.Context, bind: str, own_instance: Path | None) -> None:
    """What `run` does first: see that there is an instance, and that it can be opened."""
    instance = chosen(ctx, own_instance)
    if folder.exists(instance):
        with opened(instance) as runtime:
            make_ready(runtime)
        return
    host, _, port = bind.rpartition(":")
    near = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - every address
    given = os.environ.get(f"{PREFIX}SITE__BASE_URL")
    try:
        create_instance(instance, SiteSettings.name, given or f"http://{near}:{port}")
    except BadSettings as bad:
        refuse(*[f"settings: {line}" for line in bad.mistakes])
    except OSError as error:
        refuse(f"{error.filename or instance}: {error.strerror}; choose a folder you may write in")


@click.command()
@INSTANCE
@click.pass_context
def migrate(ctx: click.Context, own_instance: Path | None) -> None:
    """Bring the database to the version of this program."""
    settings_of(chosen(ctx, own_instance))
    with opened(chosen(ctx, own_instance)):
        upgrade(db.engine)
    click.echo("database is up to date")
