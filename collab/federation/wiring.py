"""Federation put together for one app: way out, follower, delivery and catch-up services."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from flask import Flask
from sqlalchemy.orm import Session

from collab.core.jobs import Handler, Payload, run_due
from collab.core.service import Service, spaced
from collab.federation import declined
from collab.federation.catchup import CatchUp
from collab.federation.communities import ReadAlong
from collab.federation.deliver import Courier
from collab.federation.desk import Desk
from collab.federation.erasure import Eraser
from collab.federation.expired import DECLINED
from collab.federation.file_routes import bp as files_bp
from collab.federation.files import Bringing
from collab.federation.house import Federation
from collab.federation.key_routes import bp as keys_bp
from collab.federation.keys import Vault
from collab.federation.listening import Listening
from collab.federation.log_routes import bp as log_bp
from collab.federation.outbox import FOLLOWER, TOGETHER, Outbox, told_already
from collab.federation.renewal import Renewal
from collab.federation.rotation import REKEY, log_new_keys
from collab.federation.routes import bp
from collab.federation.stream_routes import bp as stream_bp
from collab.federation.streams import Hub
from collab.federation.transport import Transport
from collab.federation.votes import Votes
from collab.federation.wellknown_routes import bp as wellknown_bp
from collab.spaces.files import BRING
from collab.spaces.polls import VOTE
from collab.web.extensions import db
from collab.web.runtime import Runtime


def register(app: Flask, vault: Vault, transport: Transport | None = None) -> Federation:
    """Give `app` its federation. `transport` is its way out; tests may bring their own limits."""
    runtime: Runtime = app.extensions["collab"]
    loopback = runtime.settings.federation.allow_loopback
    way_out = transport or Transport(allow_loopback=loopback)
    federation = Federation(runtime, way_out, vault)
    app.extensions["collab.federation"] = federation
    outbox = Outbox(runtime.tools, federation.signing_key, federation.admits)
    runtime.followers = (*runtime.followers, FOLLOWER)
    runtime.needless = told_already
    runtime.handlers[FOLLOWER] = Handler(outbox.federate, together=TOGETHER)
    _keep_to_the_log(federation)
    runtime.handlers[VOTE] = Handler(Votes(federation.admits).tell)
    runtime.network = Desk(federation, _bringing(federation))
    courier, catch_up = Courier(federation), CatchUp(federation)
    app.extensions["collab.courier"], app.extensions["collab.catch_up"] = courier, catch_up
    runtime.services.append(Service("deliver", spaced(courier.step, 0.03), rest=1.0))
    runtime.services.append(Service("mirrors", spaced(catch_up.step, 1.0), rest=2.0))
    along = app.extensions["collab.read_along"] = ReadAlong(federation)
    runtime.services.append(Service("communities", spaced(along.step, 2.0), rest=5.0))
    app.extensions["collab.streams"] = Hub(federation)
    runtime.services.append(Service("streams", spaced(Listening(federation).step, 2.0), rest=5.0))
    runtime.services.append(Service("grants", spaced(Renewal(federation).step, 5.0), rest=3600.0))
    app.extensions["collab.eraser"] = eraser = Eraser(federation)
    runtime.services.append(Service("erasure", spaced(eraser.step, 2.0), rest=3600.0))
    app.register_blueprint(log_bp)
    app.register_blueprint(stream_bp)
    app.register_blueprint(keys_bp)
    app.register_blueprint(files_bp)
    app.register_blueprint(bp)
    app.register_blueprint(wellknown_bp)
    return federation


def _keep_to_the_log(federation: Federation) -> None:
    """The jobs that write new keys into the logs of ours, and hold copies to the logs of others."""
    handlers = federation.runtime.handlers
    handlers[REKEY] = Handler(_rekey(federation))
    handlers[DECLINED] = Handler(partial(declined.settle, federation), batch=True)


def _bringing(federation: Federation) -> Bringing:
    """What fetches files, as a job and a service."""
    runtime, bringing = federation.runtime, Bringing(federation)
    runtime.handlers[BRING] = Handler(bringing.bring, batch=True)
    runtime.services.append(Service(BRING, spaced(lambda: _bring(federation), 1.0), rest=5.0))
    return bringing


def _bring(federation: Federation) -> int:
    """Fetch the files that are due, by a service of their own: no other job waits for them."""
    runtime = federation.runtime
    with runtime.app.app_context():
        return run_due(db.session(), runtime.handlers, federation.now(), kinds=[BRING])


def _rekey(federation: Federation) -> Callable[[Session, Sequence[Payload]], None]:
    """The job that writes new keys of projects into their logs (FEDERATION.md 2.1)."""

    def run(session: Session, payloads: Sequence[Payload]) -> None:
        for payload in payloads:
            log_new_keys(session, payload["actor"], federation.signing_key, federation.now())

    return run
