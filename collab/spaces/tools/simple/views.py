"""The pages of simple versions. Everything here works without a script."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.errors import Forbidden, Invalid, Missing
from collab.core.falc import LONGEST, explained
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.spaces import items
from collab.spaces.hiding import is_text_hidden
from collab.spaces.models import Item, Offer, Role, Space
from collab.spaces.offers import offer_named, offers_shown
from collab.spaces.policy import NEEDS, is_open, role_of
from collab.spaces.queries import revisions
from collab.spaces.tools.simple import operations, queries
from collab.spaces.tools.simple.checking import Checked, checked
from collab.spaces.tools.simple.inputs import (
    MAX_BODY,
    EditSimple,
    ReviewSimple,
    TakeSimple,
    WriteSimple,
)
from collab.spaces.tools.simple.models import TONGUE, SimpleText
from collab.spaces.tools.simple.queries import Original
from collab.web.context import Page, space_frame
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, here, require_login, viewer, working

bp = Blueprint("simple", __name__, template_folder="templates")
PER_PAGE = 30
VIEWS = ("cote", "simple")
"""How a simple version is shown: beside its original, or alone."""
DONE = {
    "review": (ReviewSimple, operations.review_simple, N_("La relecture est notée.")),
    "unreview": (TakeSimple, operations.unreview_simple, N_("La relecture est annulée.")),
    "remove": (TakeSimple, operations.remove_simple, N_("Version simple effacée.")),
    "restore": (TakeSimple, operations.restore_simple, N_("La version simple est de retour.")),
}
"""The acts of one button: what each asks for, does, and says."""
UNDONE_BY = {"review": "unreview", "remove": "restore"}
OFFER_SENT = N_("Proposé à l’instance du projet, en attente de sa réponse.")


def page(name: str, space: Space, **more: Any) -> str:
    """A template of this room, with what each of them needs."""
    frame = space_frame(space, current="simple")
    frame |= {"may_write": may(space, Role.MEMBER), "tongue": TONGUE, "longest": LONGEST}
    frame |= {"decides": may(space, Role.FACILITATOR) and space.local}
    return render_template(f"simple/{name}.html", **frame, **more)


def room(address: str) -> Space:
    """The space at an address, if it uses this room and the viewer may read it."""
    space = here(address)
    if "simple" not in space.tools:
        raise Missing(queries.ABSENT)
    return space


def may(space: Space, role: Role) -> bool:
    """Whether the reader holds that role in a project that is open."""
    actor = viewer()
    held = role_of(dbsession(), space, actor.id if actor else None)
    return held >= role and is_open(space)


def shown(space: Space, uid: str) -> tuple[SimpleText, Original]:
    """A simple version and its original, if both may be read. Raises Missing."""
    simple = queries.simple_in(dbsession(), space, uid)
    original = queries.original_named(dbsession(), space, simple.of_iri)
    if original is None or is_text_hidden(dbsession(), simple):
        raise Missing(queries.ABSENT)
    return simple, original


def address_of(space: Space, original: Original) -> str:
    """The page of the text that is said simply."""
    if original.item is None:
        return space.url
    return current_runtime().tools.kind(original.item).url(space, original.item)


@bp.get("/")
def index(address: str) -> str:
    """The simple versions of a project, a page at a time."""
    space, session = room(address), dbsession()
    asked = request.args.get("page", 1, type=int)
    at = Page.asked(asked, queries.count(session, space), PER_PAGE)
    lines = []
    for simple in queries.all_simple(session, space, PER_PAGE, at.offset):
        original = queries.original_named(session, space, simple.of_iri)
        if original is not None:
            stale = queries.is_stale(simple, original)
            lines.append({"simple": simple, "original": original, "stale": stale})
    offers = [o for o in offers_shown(session, space, viewer()) if o.kind == operations.KIND]
    purpose = simple_versions(space, [space]).get(space.iri)
    return page("list", space, lines=lines, page=at, offers=offers, purpose=purpose)


@bp.get("/of", defaults={"uid": ""})
@bp.get("/of/<uid>")
def of(address: str, uid: str) -> Response:
    """The simple version of a text, or the form to write it."""
    space = room(address)
    original = queries.original_of(dbsession(), space, uid)
    simple = queries.simple_of(dbsession(), space, original.iri)
    if simple is not None:
        return redirect(f"{space.url}/simple/{simple.uid}")
    return redirect(f"{space.url}/simple/new" + (f"?of={uid}" if uid else ""))


@bp.get("/<uid>")
def read(address: str, uid: str) -> str | tuple[str, int]:
    """A simple version beside the link to its original."""
    space = room(address)
    simple, original = shown(space, uid)
    actor = viewer()
    mine = items.may_edit(dbsession(), simple, actor.id if actor else None)
    if simple.withdrawn_at:
        return page("removed", space, simple=simple, may_restore=mine), 410
    asked = request.args.get("vue", VIEWS[0])
    view = asked if asked in VIEWS else VIEWS[0]
    return page("read", space, **about(space, simple, original), view=view, may_remove=mine)


def about(space: Space, simple: SimpleText, original: Original) -> dict[str, Any]:
    """All that the page of a simple version shows, whatever was asked of it."""
    return {
        "simple": simple,
        "original": original,
        "original_url": address_of(space, original),
        "stale": queries.is_stale(simple, original),
        "writer": queries.last_writer(dbsession(), simple),
        "words": explained(simple.source, queries.terms(dbsession())),
        "errors": {},
        "typed": {},
    }


@bp.get("/<uid>/history")
def past(address: str, uid: str) -> str:
    """Its earlier versions."""
    space = room(address)
    simple, _original = shown(space, uid)
    if simple.withdrawn_at:
        raise Missing(queries.ABSENT)
    return page("history", space, simple=simple, versions=revisions(dbsession(), simple))


@bp.route("/new", methods=["GET", "POST"])
def new(address: str) -> str | Response | tuple[str, int]:
    """The form for a new version, or what it sends."""
    require_login()
    space = room(address)
    original = queries.original_of(dbsession(), space, request.values.get("of", ""))
    if request.method == "POST":
        return submit(space, original, None)
    typed = given_before(space)
    return form(space, original, None, checked(dbsession(), typed.get("body", "")), typed)


def given_before(space: Space) -> dict[str, str]:
    """What an offer that was refused held, to be taken up again."""
    uid = request.args.get("offer", "")
    if not uid:
        return {}
    given = offer_named(dbsession(), space, uid, viewer()).given
    return {name: str(given.get(name, "")) for name in ("title", "body")}


@bp.route("/<uid>/edit", methods=["GET", "POST"])
def edit(address: str, uid: str) -> str | Response | tuple[str, int]:
    """The form to change one, or what it sends."""
    require_login()
    space = room(address)
    simple, original = shown(space, uid)
    if request.method == "POST":
        return submit(space, original, simple)
    typed = {"title": simple.title, "body": simple.source, "base": str(simple.revision)}
    typed |= given_before(space)
    return form(space, original, simple, checked(dbsession(), typed["body"]), typed)


def form(
    space: Space,
    original: Original,
    simple: SimpleText | None,
    found: Checked,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
) -> str:
    """The form, with what the checks have found."""
    if not may(space, Role.MEMBER):
        raise Forbidden(NEEDS[Role.MEMBER])
    return page(
        "form",
        space,
        simple=simple,
        original=original,
        original_url=address_of(space, original),
        found=found,
        typed=typed,
        errors=errors or {},
        max_body=MAX_BODY,
    )


def submit(
    space: Space, original: Original, simple: SimpleText | None
) -> str | Response | tuple[str, int]:
    """Check what was typed, put definitions below it, or keep it: as the button says."""
    typed = {name: request.form.get(name, "") for name in ("title", "body", "base")}
    act = request.form.get("act", "save")
    found = checked(dbsession(), typed["body"])
    if act != "save":
        if act == "define":
            typed["body"] = found.with_definitions
            found = checked(dbsession(), typed["body"])
        return form(space, original, simple, found, typed)
    try:
        done = kept(space, simple)
    except Invalid as invalid:
        errors = {name: _(text) for name, text in invalid.fields.items()}
        if simple is not None:
            typed["base"] = str(simple.revision)
        return form(space, original, simple, found, typed, errors), invalid.status
    return after(space, done, _("Version simple enregistrée."))


def kept(space: Space, simple: SimpleText | None) -> Item | Offer:
    """What was written or offered. Raises Problem."""
    with working() as work:
        if simple is None:
            return operations.write_simple(work, space, parse(WriteSimple, request.form))
        given = parse(EditSimple, request.form, item=simple.uid)
        return operations.edit_simple(work, space, given)


def after(space: Space, done: Item | Offer, said: str) -> Response:
    """Where a form leads: to the simple version, or to the list of what was offered."""
    if isinstance(done, Offer):
        flash(_(OFFER_SENT), "ok")
        return redirect(f"{space.url}/simple/")
    flash(said, "ok")
    return redirect(f"{space.url}/simple/{done.uid}")


@bp.post("/check")
def look(address: str) -> str:
    """What the checker says of a text, as a part of a page: for the form's script."""
    require_login()
    space = room(address)
    found = checked(dbsession(), request.form.get("body", ""))
    return render_template("simple/_findings.html", found=found, longest=LONGEST, space=space)


@bp.post("/<uid>/<any(review,unreview,remove,restore):act>")
def act(address: str, uid: str, act: str) -> Response | tuple[str, int]:
    """Review, withdraw or bring back; what it says is in DONE."""
    require_login()
    space = room(address)
    asked, operation, said = DONE[act]
    try:
        with working() as work:
            done = operation(work, space, parse(asked, request.form, item=uid))  # type: ignore[operator]
    except Invalid as invalid:
        return refused(space, uid, invalid)
    if isinstance(done, Offer):
        return after(space, done, "")
    back = f"{space.url}/simple/{uid}"
    if act in UNDONE_BY:
        told: Any = {"text": _(said), "action": f"{back}/{UNDONE_BY[act]}"}
        flash(told, "undo")
    else:
        flash(_(said), "ok")
    return redirect(f"{space.url}/simple/" if act == "remove" else back)


def refused(space: Space, uid: str, invalid: Invalid) -> tuple[str, int]:
    """The page again, with what is to be mended in the form of the review."""
    shows = about(space, *shown(space, uid))
    shows |= {"errors": {name: _(text) for name, text in invalid.fields.items()}}
    told = page("read", space, **shows | {"typed": request.form}, view=VIEWS[0], may_remove=False)
    return told, invalid.status


@bp.app_template_global("simple_versions")
def simple_versions(space: Space, texts: list[Any]) -> dict[str, SimpleText]:
    """In any room's template: the simple versions of some texts, by the IRI of the text."""
    if "simple" not in space.tools:
        return {}
    iris = [text.iri for text in texts]
    return queries.simple_versions(dbsession(), space, iris, hidden=False)
