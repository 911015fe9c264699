"""`collab peer`: which instances this one is linked with."""

from __future__ import annotations

import json
from pathlib import Path

import click

from collab.cli import INSTANCE, chosen, refuse
from collab.cli.opened import opened
from collab.core.one_line import one_line
from collab.federation.desk import ACTS
from collab.federation.hosts import BadHost
from collab.federation.house import Federation
from collab.federation.peering import VerifyPeer, phrase, verify_peer
from collab.federation.peers import ChoosePeer, ask_peer, list_peers
from collab.federation.reach import reach_peer
from collab.federation.remote import find_instance
from collab.people.models import Peer
from collab.web.extensions import db
from collab.web.runtime import Runtime


@click.group()
def peer() -> None:
    """Links with other instances."""


def _federation(runtime: Runtime) -> Federation:
    found: Federation = runtime.app.extensions["collab.federation"]
    return found


def _named(federation: Federation, host: str) -> str:
    name = host.partition("//")[2] if "//" in host else host
    try:
        return federation.canonical(name.rstrip("/").lower())
    except BadHost:
        refuse(f"{host} is not the name of a host: write it like exemple.fr")
        raise


@peer.command("add")
@click.argument("url")
@INSTANCE
@click.pass_context
def add(ctx: click.Context, url: str, own_instance: Path | None) -> None:
    """Ask the instance at URL to be linked with this one."""
    with opened(chosen(ctx, own_instance)) as runtime:
        federation = _federation(runtime)
        try:
            theirs = find_instance(federation, url)
        finally:
            federation.transport.close()
        with runtime.work(federation.instance_actor()) as work:
            row = ask_peer(work, theirs)
        click.echo(f"{row.host}: {row.state}")


def _decide(act: str) -> click.Command:
    @click.argument("host")
    @INSTANCE
    @click.pass_context
    def decide(ctx: click.Context, host: str, own_instance: Path | None) -> None:
        with opened(chosen(ctx, own_instance)) as runtime:
            federation = _federation(runtime)
            given = ChoosePeer(_named(federation, host))
            with runtime.work(federation.instance_actor()) as work:
                row = ACTS[act](work, given)
            click.echo(f"{row.host}: {row.state}")

    return click.command(act, help=HELP[act])(decide)


HELP = {
    "allow": "Let an instance in, and accept what it asked.",
    "limit": "Let nobody new come from an instance, and no copies go there.",
    "refuse": "Say no to an instance that asks.",
    "block": "Cut every tie with an instance and the names below its own.",
    "pause": "Let everything for an instance wait.",
    "resume": "Send to a paused instance again.",
    "retry": "Try an instance that does not answer at once.",
}
for _act in HELP:
    peer.add_command(_decide(_act))


@peer.command("reach")
@click.argument("host")
@click.argument("form", type=click.Choice(["auto", "mirror", "threads", "highlights"]))
@INSTANCE
@click.pass_context
def reach(ctx: click.Context, host: str, form: str, own_instance: Path | None) -> None:
    """Choose what goes to HOST: whole copies (mirror), every message of discussions (threads),
    what opens them (highlights), or what it asks for (auto)."""
    with opened(chosen(ctx, own_instance)) as runtime:
        federation = _federation(runtime)
        with runtime.work(federation.instance_actor()) as work:
            row = reach_peer(work, _named(federation, host), "" if form == "auto" else form)
        click.echo(f"{row.host}: {row.reach or 'auto'}")


@peer.command("phrase")
@click.argument("host")
@INSTANCE
@click.pass_context
def read_out(ctx: click.Context, host: str, own_instance: Path | None) -> None:
    """Six words to compare with the administrator of HOST, by voice: theirs must be the same."""
    with opened(chosen(ctx, own_instance)) as runtime:
        federation = _federation(runtime)
        name = _named(federation, host)
        try:
            told, fresh = runtime.network.peer_phrase(name)
        finally:
            federation.transport.close()
        click.echo(" ".join(told.words))
        if not fresh:
            click.echo(f"{name} does not answer: from the key it showed before", err=True)


@peer.command("verify")
@click.argument("host")
@click.argument("heard", nargs=-1, required=True)
@INSTANCE
@click.pass_context
def verify(
    ctx: click.Context, host: str, heard: tuple[str, ...], own_instance: Path | None
) -> None:
    """Say that the administrator of HOST read you these six words: HEARD."""
    with opened(chosen(ctx, own_instance)) as runtime:
        federation = _federation(runtime)
        name = _named(federation, host)
        now = phrase(db.session(), name, federation.now())
        with runtime.work(federation.instance_actor()) as work:
            row = verify_peer(work, VerifyPeer(name, now.print, " ".join(heard)))
        click.echo(f"{row.host}: verified {row.verified_at:%Y-%m-%d}")


@peer.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
@INSTANCE
@click.pass_context
def show(ctx: click.Context, as_json: bool, own_instance: Path | None) -> None:
    """Every instance known here, and what was decided about it."""
    with opened(chosen(ctx, own_instance)):
        rows = [described(row) for row in list_peers(db.session())]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        said = one_line(str(row["last_error"] or ""), 500)
        click.echo(f"{row['host']}\t{row['state']}\t{said}".rstrip())


def described(row: Peer) -> dict[str, object]:
    """What a program may want to know of a peer; instants in ISO 8601, the offset in seconds."""
    return {
        "host": row.host,
        "name": row.name,
        "state": row.state,
        "actor": row.actor_iri,
        "scheme": row.scheme,
        "clock_offset": row.clock_offset,
        "failures": row.fail_count,
        "last_ok_at": row.last_ok_at.isoformat() if row.last_ok_at else None,
        "next_try_at": row.next_try_at.isoformat() if row.next_try_at else None,
        "last_error": row.last_error,
    }
