"""`collab keys`: the keys of this instance's own actors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import click
from sqlalchemy import select

from collab.cli import INSTANCE, chosen, refuse
from collab.cli.opened import opened
from collab.federation.house import Federation
from collab.federation.keys import algorithm_of, load_multikey, load_public_pem, multikey
from collab.federation.rotation import RotateKeys, rotate_keys
from collab.people.models import Actor, Key
from collab.web.extensions import db
from collab.web.runtime import Runtime


@click.group()
def keys() -> None:
    """The keys with which people, projects and this instance sign."""


@keys.command("rotate")
@click.argument("name", required=False, metavar="ACTOR")
@click.option("--all", "everybody", is_flag=True, help="Everybody's, and this instance's own.")
@click.option("--revoke", is_flag=True, help="The old keys are in somebody else's hands.")
@INSTANCE
@click.pass_context
def rotate(
    ctx: click.Context, name: str | None, everybody: bool, revoke: bool, own_instance: Path | None
) -> None:
    """Give ACTOR new keys and tell those who know the old ones.

    ACTOR is a person's alias, a project's address, `actor` for the instance itself, or an IRI.
    """
    if everybody == bool(name):
        refuse("say whose keys to change: an alias, a project, `actor`, or --all")
    with opened(chosen(ctx, own_instance)) as runtime:
        ids = [actor.id for actor in _chosen(runtime, name)]
        if not ids:
            refuse(f"nobody here is called {name}: see `collab keys list`")
        federation: Federation = runtime.app.extensions["collab.federation"]
        for actor_id in ids:
            with runtime.work(federation.instance_actor()) as work:
                made = rotate_keys(work, RotateKeys(actor_id, revoke), federation.signing_key)
            click.echo(" ".join(key.key_id for key in made))


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
@click.argument("name", required=False, metavar="ACTOR")
@INSTANCE
@click.pass_context
def list_(ctx: click.Context, as_json: bool, name: str | None, own_instance: Path | None) -> None:
    """The keys of ACTOR, or of everybody here: which, since when, until when."""
    with opened(chosen(ctx, own_instance)) as runtime:
        ids = [actor.id for actor in _chosen(runtime, name)]
        rows = db.session.scalars(
            select(Key).where(Key.actor_id.in_(ids)).order_by(Key.actor_id, Key.id)
        )
        told = [_described(row) for row in rows]
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for key in told:
        state = "revoked" if key["revoked"] else "ended" if key["expires"] else "in use"
        until = key["revoked"] or key["expires"] or ""
        click.echo(f"{key['id']}\t{key['algorithm']}\t{state}\t{until}\t{key['print']}")


def _chosen(runtime: Runtime, name: str | None) -> list[Actor]:
    """The actors of this instance with that name, or all of them: the instance, then the rest."""
    found = select(Actor).where(Actor.local, Actor.deleted_at.is_(None)).order_by(Actor.id)
    if name == "actor":
        found = found.where(Actor.iri == f"{runtime.settings.origin}/actor")
    elif name is not None:
        found = found.where((Actor.iri == name) | (Actor.name == name.lower()))
        found = found.where(Actor.iri != f"{runtime.settings.origin}/actor")
    return list(db.session.scalars(found))


def _described(row: Key) -> dict[str, object]:
    """A key in words; `print` is the first half of the SHA-256 of its Multikey, in hex."""
    public = (load_multikey if row.public.startswith("z") else load_public_pem)(row.public)
    digest = hashlib.sha256(multikey(public).encode()).hexdigest()
    return {
        "id": row.key_id,
        "algorithm": algorithm_of(public),
        "public": multikey(public),
        "created": row.created_at.isoformat(timespec="seconds"),
        "expires": row.expires_at.isoformat(timespec="seconds") if row.expires_at else None,
        "revoked": row.revoked_at.isoformat(timespec="seconds") if row.revoked_at else None,
        "print": digest[:32],
    }
