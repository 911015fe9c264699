"""`/p/<address>/federation`: where a project's copies stand, for whoever may read the project."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from collab.core.db import now
from collab.core.errors import Missing
from collab.core.i18n import N_
from collab.pages.plots import plot
from collab.spaces.models import Item, Role, Space
from collab.spaces.policy import role_of
from collab.spaces.queries import item_by_uid
from collab.web.context import space_frame
from collab.web.lengths import delay, spell
from collab.web.reasons import UNAPPLIED
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, here, require_admin, require_login

bp = Blueprint("copies", __name__, template_folder="templates")
ON_TIME = 5.0
"""Seconds by which a clock may differ and still be called right."""
STATES = {
    "ok": ("ok", N_("répond")),
    "retrying": ("wait", N_("ne répond pas, nouvel essai bientôt")),
    "open": ("error", N_("ne répond plus, essais espacés")),
    "dead": ("error", N_("ne répond plus depuis des jours")),
    "paused": ("wait", N_("envois suspendus par notre instance")),
    "blocked": ("error", N_("bloquée par notre instance")),
}
WHY = {
    "blocked": N_("Notre instance l’a bloquée."),
    "limited": N_("Notre instance la limite : pas de nouvelle copie là-bas."),
    "refuses": N_("Elle ne veut pas de copie."),
    "ended": N_("Elle n’a plus le droit d’en tenir une, ou n’existe plus à cette adresse."),
}


@bp.get("/p/<address>/federation")
def show(address: str) -> str:
    """Where copies of this project stand, and how far each has come."""
    space, network = here(address), current_runtime().network
    report = network.report(space)
    local: dict[str, Any] = {"copies": [], "kept": [], "day": None}
    if space.local and space.federates:
        local = {
            "copies": network.copies_in_full(space),
            "kept": network.kept_from(space),
            "day": network.delays(space),
        }
    return render_template(
        "spaces/federation.html",
        **space_frame(space, "home"),
        **local,
        **_mirror(space, report),
        log=report["log"],
        states=STATES,
        why=WHY,
        unapplied_why=UNAPPLIED,
        behind=behind,
        delay=delay,
        plot=plot(local["day"], now()) if local["day"] else None,
        delay_words=report["delay"]["words"] if local["day"] else "",
    )


@bp.post("/p/<address>/federation/restart")
def restart(address: str) -> Response:
    """An administrator lets a copy that stands still begin again."""
    found, space = require_admin(), here(address)
    whole = request.form.get("from") == "start"
    current_runtime().network.restart_copy(found.actor, space, whole=whole)
    flash(_("La copie reprend : nous avons redemandé le journal à son instance."), "ok")
    return redirect(f"{space.url}/federation")


@bp.get("/p/<address>/delivery/<uid>")
def delivery(address: str, uid: str) -> str:
    """Where one thing has arrived: for whoever wrote it, and for the facilitators."""
    space, item = _own(address, uid)
    return _delivery_page("spaces/delivery.html", space, item)


@bp.get("/p/<address>/erase/<uid>")
def ask_to_erase(address: str, uid: str) -> str:
    """What erasing for good means, before it is done."""
    space, item = _own(address, uid)
    if item.withdrawn_at is None or item.erased_at is not None:
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    return _delivery_page("spaces/erase.html", space, item)


@bp.post("/p/<address>/erase/<uid>")
def erase(address: str, uid: str) -> Response:
    """Erase for good; the page that follows says where it is done."""
    found, (space, item) = require_login(), _own(address, uid)
    current_runtime().network.erase_forever(found.actor, space, item.uid)
    flash(_("C’est effacé pour toujours ici, et demandé à toutes les copies."), "ok")
    return redirect(f"{space.url}/delivery/{uid}")


def _own(address: str, uid: str) -> tuple[Space, Item]:
    """Something of whoever looks, or of a project they look after. Raises Missing."""
    found, space = require_login(), here(address)
    item = item_by_uid(dbsession(), uid, found.actor)
    charged = role_of(dbsession(), space, found.actor_id) >= Role.FACILITATOR
    if item.space_id != space.id or not (charged or item.author_id == found.actor_id):
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    return space, item


def _delivery_page(template: str, space: Space, item: Item) -> str:
    runtime = current_runtime()
    return render_template(
        template,
        **space_frame(space, runtime.tools.of(item).name),
        item=item,
        lines=runtime.network.arrivals(space, item) if item.withdrawn_at is None else [],
        receipts=runtime.network.receipts(item),
        back=runtime.tools.kind(item).url(space, item),
    )


def _mirror(space: Space, report: dict[str, Any]) -> dict[str, Any]:
    if space.local:
        return {"words": "", "mirror": None, "lane": None, "unapplied": []}
    network = current_runtime().network
    return {
        "words": network.mirror_words(space),
        "mirror": report.get("mirror"),
        "lane": network.lanes().get(space.host),
        "unapplied": network.unapplied(space),
    }


def behind(entries: int) -> str:
    """How far a copy is behind, in words."""
    late = ngettext("%(num)s entrée de retard", "%(num)s entrées de retard", entries)
    return str(late if entries else _("à jour"))


def clock(offset: float | None) -> str:
    """How another instance's clock stands to ours: « 3 min en avance »; "" when not known."""
    if offset is None:
        return ""
    if abs(offset) < ON_TIME:
        return str(_("à l’heure"))
    if offset > 0:
        return str(_("%(length)s en avance", length=spell(offset)))
    return str(_("%(length)s en retard", length=spell(-offset)))
