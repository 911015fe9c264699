"""`collab show`: what is inside, for the operator; as text or `--json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from collab.cli import INSTANCE, chosen
from collab.cli.opened import opened
from collab.core.events import EventRow
from collab.core.jobs import MAX_ATTEMPTS, Job
from collab.core.one_line import one_line
from collab.federation.models import Delivery, OutboxItem
from collab.web.extensions import db
from collab.web.runtime import Runtime

Row = dict[str, Any]
MOST = 200
SECRET = ("secret", "password")


def journal(_runtime: Runtime) -> Iterable[Row]:
    """The newest facts, the newest first."""
    rows = db.session.scalars(select(EventRow).order_by(EventRow.id.desc()).limit(MOST))
    for row in rows:
        yield {
            "id": row.id,
            "at": row.at.isoformat(timespec="seconds"),
            "name": row.name,
            "space": row.space_id,
            "actor": row.actor_id,
            "item": row.item_id,
            "cause": row.cause,
        }


def jobs(_runtime: Runtime) -> Iterable[Row]:
    """What waits to be done; `dead` ones have used up their attempts."""
    for row in db.session.scalars(select(Job).order_by(Job.run_at).limit(MOST)):
        yield {
            "id": row.id,
            "kind": row.kind,
            "run_at": row.run_at.isoformat(timespec="seconds"),
            "attempts": row.attempts,
            "state": "dead" if row.attempts >= MAX_ATTEMPTS else "waiting",
            "error": row.error,
        }


def deliveries(_runtime: Runtime) -> Iterable[Row]:
    """What went, or waits to go, to other instances; the newest first."""
    rows = db.session.execute(
        select(Delivery, OutboxItem.activity_id)
        .join(OutboxItem, OutboxItem.id == Delivery.outbox_id)
        .order_by(Delivery.id.desc())
        .limit(MOST)
    )
    for row, activity in rows:
        yield {
            "id": row.id,
            "host": row.host,
            "inbox": row.inbox,
            "activity": activity,
            "state": row.state,
            "attempts": row.attempts,
            "status": row.status,
            "error": row.error,
        }


def tools(runtime: Runtime) -> Iterable[Row]:
    """The rooms that are installed."""
    for tool in runtime.tools:
        kinds = ", ".join(f"{kind.plural}" for kind in tool.kinds)
        actions = ", ".join(sorted(tool.actions))
        yield {"name": tool.name, "title": tool.title, "kinds": kinds, "actions": actions}


def settings(runtime: Runtime) -> Iterable[Row]:
    """Every setting and its value in force; secrets are not shown."""
    for section, values in asdict(runtime.settings).items():
        if isinstance(values, dict):
            for key, value in values.items():
                hidden = any(word in key for word in SECRET) and value
                yield {"setting": f"{section}.{key}", "value": "(secret)" if hidden else value}
    for provider in runtime.settings.oidc:
        yield {"setting": f"oidc.{provider.name}.issuer", "value": provider.issuer}


SHELVES: dict[str, Callable[[Runtime], Iterable[Row]]] = {
    "journal": journal,
    "jobs": jobs,
    "deliveries": deliveries,
    "tools": tools,
    "settings": settings,
}


@click.command()
@click.argument("what", type=click.Choice(list(SHELVES)))
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
@INSTANCE
@click.pass_context
def show(ctx: click.Context, what: str, as_json: bool, own_instance: Path | None) -> None:
    """Show the journal, jobs, deliveries, tools or settings of the instance."""
    with opened(chosen(ctx, own_instance)) as runtime:
        rows = list(SHELVES[what](runtime))
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1, default=str))
        return
    for row in rows:
        click.echo(
            "  ".join(
                f"{k}={one_line(str(v), 2000)}" for k, v in row.items() if v not in (None, "")
            )
        )
    if not rows:
        click.echo("nothing")
