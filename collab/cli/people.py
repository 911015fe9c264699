"""`collab user` and `collab token`."""

from __future__ import annotations

from pathlib import Path

import click

from collab.cli import INSTANCE, chosen, refuse
from collab.cli.opened import opened, password_from, person
from collab.people.first import Nobody
from collab.people.models import AccountRole
from collab.people.operations import Register, register
from collab.people.queries import account_of
from collab.people.tokens import SCOPES, GiveToken, give_token
from collab.web.extensions import db


@click.group()
def user() -> None:
    """Accounts."""


@user.command("create")
@click.argument("alias")
@click.option("--password-file", required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--role", type=click.Choice(["member", "moderator", "admin"]), default="member")
@click.option("--display-name", default="", help="The name shown on pages.")
@INSTANCE
@click.pass_context
def create(
    ctx: click.Context,
    alias: str,
    password_file: Path,
    role: str,
    display_name: str,
    own_instance: Path | None,
) -> None:
    """Make an account without e-mail."""
    with opened(chosen(ctx, own_instance)) as runtime:
        try:
            password = password_from(password_file)
        except OSError as error:
            refuse(f"{password_file}: {error.strerror}")
        with runtime.work(Nobody()) as work:
            given = Register(alias=alias, password=password, display_name=display_name)
            register(work, given, AccountRole[role.upper()])
    click.echo(f"created {alias}")


@click.group()
def token() -> None:
    """Personal tokens for the API."""


@token.command("create")
@click.argument("alias")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), default=SCOPES)
@click.option("--name", default="", help="What it is for.")
@INSTANCE
@click.pass_context
def create_token(
    ctx: click.Context, alias: str, scopes: tuple[str, ...], name: str, own_instance: Path | None
) -> None:
    """Print a bearer token for the API, and nothing else."""
    with opened(chosen(ctx, own_instance)) as runtime:
        actor = person(alias)
        account = account_of(db.session(), actor.id)
        assert account is not None
        with runtime.work(actor) as work:
            bearer = give_token(work, account, GiveToken(name=name or "cli", scopes=scopes))
    click.echo(bearer)
