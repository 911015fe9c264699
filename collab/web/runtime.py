"""What one running app is made of; found by `current_runtime()` where Flask is at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from flask import Flask, current_app
from sqlalchemy.orm import Session

from collab.config import Settings
from collab.core.aside import Aside, at_once
from collab.core.blobs import Blobs
from collab.core.forge import Forge
from collab.core.jobs import Handler, run_due
from collab.core.pulse import Pulse
from collab.core.service import Service
from collab.core.whispers import Whispers
from collab.core.work import Actor, Needless, Work, every_event
from collab.spaces.tool import Tools
from collab.web.extensions import db
from collab.web.ports import Network
from collab.web.searching import Search


@dataclass
class Runtime:
    """Filled by app.create_app, read by every door. `followers`: the job kinds an event causes."""

    app: Flask
    settings: Settings
    tools: Tools
    pulse: Pulse
    whispers: Whispers
    forge: Forge
    followers: tuple[str, ...] = ()
    needless: Needless = every_event
    """Which of them an event needs no job of."""
    handlers: dict[str, Handler] = field(default_factory=dict)
    services: list[Service] = field(default_factory=list)
    clock: Callable[[], datetime] | None = None
    network: Network = field(init=False)
    """The other instances; federation puts itself here."""
    search: Search = field(init=False)
    """Search puts itself here."""
    blobs: Blobs = field(init=False)
    """The bytes that people uploaded; web.files puts itself here."""
    aside: Aside = at_once
    """Where slow computations of a request run; `collab web` names gevent's thread pool."""

    def work(
        self,
        actor: Actor,
        *,
        cause: str | None = None,
        mirrored: bool = False,
        session: Session | None = None,
        bulk: bool = False,
    ) -> Work:
        """A unit of work for `actor` on the current session (or the given one)."""
        return Work(
            session or db.session(),
            actor,
            origin=self.settings.origin,
            followers=self.followers,
            pulse=self.pulse.beat,
            forge=self.forge,
            at=self.clock() if self.clock else None,
            cause=cause,
            mirrored=mirrored,
            bulk=bulk,
            needless=self.needless,
        )

    def run_jobs(self, now: datetime, *, strict: bool = False) -> int:
        """Run what is due, once. Returns how many jobs were tried."""
        return run_due(db.session(), self.handlers, now, strict=strict)


def current_runtime() -> Runtime:
    """The runtime of the app that handles this request."""
    runtime: Runtime = current_app.extensions["collab"]
    return runtime
