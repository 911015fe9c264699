"""The administrators' list of instances: asking, answering, comparing phrases, cutting ties."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import segno
from flask import Blueprint, flash, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.errors import Conflict, Invalid, Missing, Problem
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.pages.copies import STATES, behind, clock
from collab.pages.forms import again, blank
from collab.people.models import Peer, PeerState
from collab.web.context import Page
from collab.web.light import shorter
from collab.web.presentation import enumerated
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, require_admin

bp = Blueprint("peers", __name__, template_folder="templates")
PEER_WORDS = {
    "known": ("", N_("connue")),
    "asked": ("wait", N_("nous avons demandé")),
    "asking": ("wait", N_("demande une liaison")),
    "allowed": ("ok", N_("reliée")),
    "limited": ("wait", N_("limitée")),
    "blocked": ("error", N_("bloquée")),
    "refused": ("error", N_("refusée")),
}
WEAKER = {
    "rfc9421": N_("la signature récente des envois, RFC 9421"),
    "ed25519": N_("les clés récentes, Ed25519"),
    "proof": N_("la preuve attachée à chaque texte"),
}
REACHES = (
    ("", N_("Comme elle le demande"), N_("Selon ce que son logiciel comprend. C’est l’usage.")),
    (
        "mirror",
        N_("Copie complète"),
        N_(
            "Tout le projet, depuis le début, vérifié entrée par entrée. On y lit et on y écrit "
            "même si notre site est en panne. Il faut le même logiciel que le nôtre là-bas."
        ),
    ),
    (
        "threads",
        N_("Discussions entières"),
        N_(
            "Chaque message public des discussions, comme dans un forum. Pour NodeBB, Lemmy et "
            "PieFed."
        ),
    ),
    (
        "highlights",
        N_("Nouvelles seulement"),
        N_(
            "Ce qui ouvre une discussion et ce qui est annoncé, sans les réponses. Pour Mastodon "
            "et les logiciels où l’on suit des personnes."
        ),
    ),
)
"""The forms in which projects go to another instance (FEDERATION.md 1.1)."""
PER_PAGE = 12
UNDONE = {
    "limit": ("known", "allowed"),
    "block": ("known", "allowed", "limited"),
    "allow": ("known", "limited"),
}
"""From which states a decision can be undone by one button."""


@dataclass(frozen=True)
class AskPeer:
    """The address of an instance to be linked with."""

    url: str


def _around() -> dict[str, Any]:
    network = current_runtime().network
    only, size = request.args.get("only", ""), shorter(PER_PAGE)
    every = [peer for peer in network.peers() if only in ("", peer.host)]
    page = Page.asked(request.args.get("page", 1, type=int), len(every), size)
    peers = every[page.offset : page.offset + size]
    return {
        "only": only,
        "peers": peers,
        "page": page,
        "keys": network.keys_of_peers(peers),
        "lanes": network.lanes(),
        "peer_words": PEER_WORDS,
        "states": STATES,
        "behind": behind,
        "clock": clock,
        "weaker": weaker,
    }


def weaker(names: Sequence[str]) -> str:
    """What a host does no more to show that its words are its own, in words (R59)."""
    return enumerated(_(WEAKER[name]) for name in names)


@bp.get("/admin/peers")
def listed() -> str:
    """The instances we know, and how things stand with each."""
    require_admin()
    return blank("admin/peers.html", **_around())


@bp.post("/admin/peers")
def ask() -> Response:
    """Ask an instance to link up."""
    found = require_admin()
    try:
        given = parse(AskPeer, request.form)
        try:
            current_runtime().network.ask_peer(found.actor, given.url)
        except Problem as problem:
            raise Invalid(url=problem.message) from problem
    except Invalid as invalid:
        return again("admin/peers.html", invalid, **_around())
    flash(_("La demande est partie. Une personne de là-bas doit l’accepter."), "ok")
    return redirect("/admin/peers")


@bp.post("/admin/peers/<host>")
def decide(host: str) -> Response:
    """Accept, refuse, block or let go of an instance."""
    found, form = require_admin(), request.form
    known = dbsession().get(Peer, host)
    before, act = known.state if known else "", form.get("act", "")
    current_runtime().network.decide_peer(
        found.actor, host, act, reason=form.get("reason", ""), before=form.get("before", "")
    )
    if act in UNDONE and before in UNDONE[act]:
        fields = {"act": "undo", "before": before}
        told: Any = {"text": _("C’est fait."), "action": request.path, "fields": fields}
        flash(told, "undo")
    else:
        flash(_("C’est fait."), "ok")
    return redirect(f"/admin/peers#{host}")


# What goes there


@bp.get("/admin/peers/<host>/reach")
def reach(host: str) -> str:
    """In which form our projects go to an instance, and the choice of another."""
    require_admin()
    peer = dbsession().get(Peer, host)
    if peer is None:
        raise Missing(N_("Nous ne connaissons pas cette instance."))
    choices = [(value, _(label), _(words)) for value, label, words in REACHES]
    return blank("admin/reach.html", peer=peer, choices=choices)


@bp.post("/admin/peers/<host>/reach")
def choose_reach(host: str) -> Response:
    """Choose in which form our projects go to an instance."""
    found = require_admin()
    current_runtime().network.reach_peer(found.actor, host, request.form.get("reach", ""))
    flash(_("C’est noté."), "ok")
    return redirect(f"/admin/peers#{host}")


# The phrase


@bp.get("/admin/peers/<host>/phrase")
def phrase(host: str) -> str:
    """The six words; `print` comes with the other side's QR code, and is compared at once."""
    require_admin()
    return _phrase_page(host, scanned=request.args.get("print", ""), errors={})


def _phrase_page(host: str, *, scanned: str, errors: dict[str, str]) -> str:
    peer = _peer(host)
    told, fresh = current_runtime().network.peer_phrase(host)
    peer = _peer(host)  # asking has ended the transaction it was read in
    standing = current_runtime().network.keys_of_peers([peer]).get(host, "")
    return blank(
        "admin/phrase.html",
        {"heard": request.form.get("heard", "")},
        peer=peer,
        phrase=told,
        fresh=fresh,
        standing=standing,
        scanned=None if not scanned else scanned == told.print,
        wrong=errors,
    )


def _peer(host: str) -> Peer:
    peer = dbsession().get(Peer, host)
    if peer is None or not peer.actor_iri or peer.state == PeerState.BLOCKED:
        raise Missing(N_("Nous ne connaissons pas cette instance."))
    return peer


@bp.post("/admin/peers/<host>/phrase")
def compared(host: str) -> Response:
    """Note what comparing the phrase has found."""
    found = require_admin()
    form, network = request.form, current_runtime().network
    same = form.get("found", "") == "same"
    heard = form.get("heard", "")[:500]
    try:
        if form.get("found") not in ("same", "other"):
            raise Conflict(N_("Dites d’abord si c’est la même phrase."))
        network.verify_peer(found.actor, host, form.get("print", "")[:64], heard, same=same)
    except Conflict as different:
        page = _phrase_page(host, scanned="", errors={"found": _(different.message)})
        return Response(page, 409, mimetype="text/html")
    flash(_("C’est noté : cette instance est vérifiée."), "ok")
    return redirect("/admin/peers")


@bp.get("/admin/peers/<host>/phrase.svg")
def picture(host: str) -> Response:
    """What the other administrator scans: the page about us at their instance, and the print."""
    require_admin()
    peer = _peer(host)
    there = urlsplit(peer.actor_iri)
    told, _fresh = current_runtime().network.peer_phrase(host)
    ours = current_runtime().settings.host
    link = f"{there.scheme}://{there.netloc}/admin/peers/{ours}/phrase?print={told.print}"
    out = io.BytesIO()
    segno.make(link, error="m").save(
        out, kind="svg", scale=4, border=2, light="#fff", xmldecl=False
    )
    headers = {"Cache-Control": "private, no-store"}
    return Response(out.getvalue(), mimetype="image/svg+xml", headers=headers)
