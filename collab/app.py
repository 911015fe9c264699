"""create_app(): all wiring, top to bottom, and nowhere else."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask

from collab.api import bp as api_bp
from collab.api import openapi
from collab.config import Settings
from collab.core.db import now, prepare
from collab.core.jobs import Handler, run_due
from collab.core.pulse import Pulse
from collab.core.service import Service
from collab.core.whispers import Whispers
from collab.federation import wiring as federation
from collab.federation.flags import Flags
from collab.federation.silence import Silence
from collab.instance import Secrets
from collab.pages import (
    accessibility,
    account,
    admin,
    copies,
    exclusions,
    former,
    glossary,
    invitations,
    invited,
    logos,
    looks,
    moving,
    notices,
    oauth,
    offline,
    oidc,
    peers,
    people,
    polls,
    posters,
    reports,
    since,
    site,
    spaces,
    themes,
)
from collab.people.sanctions import SILENCE
from collab.realtime import server as realtime
from collab.search import wiring as search
from collab.spaces.reports import FLAG
from collab.spaces.tool import find_tools
from collab.web import (
    assets,
    compression,
    context,
    dress,
    files,
    keeping,
    light,
    once,
    presentation,
    problems,
    scripts,
    silence,
    tongues,
)
from collab.web.extensions import db
from collab.web.runtime import Runtime
from collab.web.security import secure

PAGES: tuple[Blueprint, ...] = (
    site.bp,
    offline.bp,
    looks.bp,
    accessibility.bp,
    since.bp,
    account.bp,
    spaces.bp,
    copies.bp,
    glossary.bp,
    reports.bp,
    people.bp,
    polls.bp,
    posters.bp,
    exclusions.bp,
    former.bp,
    moving.bp,
    invitations.bp,
    invited.bp,
    notices.bp,
    admin.bp,
    themes.bp,
    logos.bp,
    peers.bp,
    oidc.bp,
    oauth.bp,
    api_bp,
    openapi,
)
"""Pages and doors that belong to no tool."""


def create_app(settings: Settings, **config: Any) -> Flask:
    """Make the app of one instance. Two of them fit in one process.

    `config` overrides Flask's configuration (tests use it). Raises OSError when the instance's
    secrets cannot be read.
    """
    app = Flask("collab", static_folder=None, template_folder="web/templates")
    secrets = Secrets(settings.instance)
    app.config.update(
        SECRET_KEY=secrets.session_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
    )
    app.config.update(config)
    secure(app, settings)
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)
    runtime = Runtime(
        app=app,
        settings=settings,
        tools=find_tools(),
        pulse=Pulse(settings.instance),
        whispers=Whispers(settings.instance),
        forge=secrets.forge,
    )
    app.extensions["collab"] = runtime
    for first in (files, tongues, context):
        first.register(app)
    presentation.register(app)
    light.register(app)
    assets.register(app)
    compression.register(app)
    problems.register(app)
    silence.register(app)
    once.register(app)
    dress.register(app)
    scripts.register(app)
    keeping.register(app)
    house = federation.register(app, secrets.vault)
    runtime.handlers[FLAG] = Handler(Flags(house).tell)
    runtime.handlers[SILENCE] = Handler(Silence(house).settle)
    search.register(app)
    for blueprint in PAGES:
        app.register_blueprint(blueprint)
    for tool in runtime.tools:
        app.register_blueprint(tool.blueprint, url_prefix=f"/p/<address>/{tool.name}")
    realtime.register(app)
    runtime.services.append(Service("jobs", lambda: _run_jobs(runtime), rest=1.0))
    return app


def _run_jobs(runtime: Runtime) -> int:
    """One step of the job service: everything due, but for kinds with a service of their own."""
    apart = {service.name for service in runtime.services}
    kinds = [kind for kind in runtime.handlers if kind not in apart]
    with runtime.app.app_context():
        done = run_due(db.session(), runtime.handlers, now(), kinds=kinds)
    if done:
        runtime.pulse.beat()
    return done


def _engine_options(settings: Settings) -> dict[str, Any]:
    if settings.database_url.startswith("postgresql"):
        return {"pool_pre_ping": True, "connect_args": {"options": "-c jit=off"}}
    return {}
