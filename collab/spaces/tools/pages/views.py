"""Pages and forms for documents. Everything here works without a script."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from collab.core.errors import Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.spaces import items
from collab.spaces.hiding import is_text_hidden
from collab.spaces.models import Item, Offer, OfferState, Role, Space
from collab.spaces.offers import drop_offer, offer_named, offers_shown
from collab.spaces.policy import NEEDS, is_open, role_of
from collab.spaces.tools.pages import drafts, exchange, operations, queries
from collab.spaces.tools.pages.changes import CHANGES
from collab.spaces.tools.pages.comparison import Row, side_by_side
from collab.spaces.tools.pages.drafts import Clash, Draft
from collab.spaces.tools.pages.inputs import EditClash
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.rendering import Shown, html_of
from collab.spaces.tools.pages.sources import files_in_zip
from collab.spaces.tools.pages.trees import plan_import
from collab.web.context import space_frame
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, here, require_login, viewer, working

bp = Blueprint("pages", __name__, template_folder="templates")
ABSENT = N_("Cette page n’existe pas, ou plus.")
OFFERED = N_("Proposé à l’instance du projet, en attente de sa réponse.")


def page(name: str, space: Space, **more: Any) -> str:
    frame = space_frame(space, current="pages")
    frame |= {"may_write": may_write(space), "actor": viewer()}
    return render_template(f"pages/{name}.html", **frame, **more)


def room(address: str) -> Space:
    """The space at an address, if it uses this room and the viewer may read it."""
    space = here(address)
    if "pages" not in space.tools:
        raise Missing(ABSENT)
    return space


def may_write(space: Space) -> bool:
    actor = viewer()
    held = role_of(dbsession(), space, actor.id if actor else None)
    return held >= Role.MEMBER and is_open(space)


def after(space: Space, done: Item | Offer, said: str) -> Response:
    """Where a form leads: to the document, or to what was offered."""
    if isinstance(done, Document):
        flash(said, "ok")
        return redirect(url_for("pages.read", address=space.address, slug=done.slug))
    flash(_(OFFERED), "ok")
    return redirect(url_for("pages.tree", address=space.address))


@bp.get("/")
def tree(address: str) -> str:
    space, session = room(address), dbsession()
    offers = [o for o in offers_shown(session, space, viewer()) if o.kind == "document"]
    return page("tree", space, nodes=queries.tree(session, space), offers=offers)


@bp.get("/titre/<path:title>")
def by_title(address: str, title: str) -> Response:
    space = room(address)
    found = queries.document_titled(dbsession(), space, title)
    if found is None:
        return redirect(url_for("pages.new", address=space.address, title=title))
    return redirect(url_for("pages.read", address=space.address, slug=found.slug))


@bp.get("/<slug>")
def read(address: str, slug: str) -> str | tuple[str, int]:
    space, session, actor = room(address), dbsession(), viewer()
    document = queries.document_at(session, space, slug)
    mine = items.may_edit(session, document, actor.id if actor else None)
    if document.withdrawn_at:
        return page("removed", space, document=document, may_restore=mine), 410
    if is_text_hidden(session, document):
        return page("hidden", space, document=document), 404
    return page(
        "read",
        space,
        document=document,
        shown=shown(space, document.html or typed(space, document.source), document.title),
        above=queries.ancestors(session, document),
        below=queries.children(session, document),
        backlinks=queries.backlinks(session, document),
        last=queries.last_revision(session, document),
        offers=offers_shown(session, space, actor, document),
        may_remove=mine,
        places=drafts.places(queries.tree(session, space), document.uid),
    )


def typed(space: Space, source: str) -> str:
    """The HTML of a text that is not stored: a preview, an old version, an offer."""
    return html_of(source, space_iri=space.iri, own_host=current_runtime().settings.host)


def shown(space: Space, html: str, title: str) -> Shown:
    return queries.shown(dbsession(), space, html, title, may_write=may_write(space))


@bp.route("/new", methods=["GET", "POST"])
def new(address: str) -> str | Response | tuple[str, int]:
    require_login()
    space = room(address)
    if request.method == "GET":
        asked = request.args
        draft = Draft(title=asked.get("title", ""), parent=asked.get("parent", ""))
        return form(space, None, draft)
    return submit(space, None, drafts.draft_from(request.form), None)


@bp.route("/<slug>/edit", methods=["GET", "POST"])
def edit(address: str, slug: str) -> str | Response | tuple[str, int]:
    require_login()
    space = room(address)
    document = queries.text_at(dbsession(), space, slug, viewer())
    if request.method == "GET":
        return form(space, document, drafts.draft_of(document))
    return submit(space, document, drafts.draft_from(request.form), None)


def form(
    space: Space,
    document: Document | None,
    draft: Draft,
    *,
    offer: Offer | None = None,
    **more: Any,
) -> str:
    if not may_write(space):
        raise Forbidden(NEEDS[Role.MEMBER])
    nodes = queries.tree(dbsession(), space)
    places = drafts.places(nodes, document.uid if document else "")
    clash: Clash | None = more.get("clash")
    rows = compared(clash.theirs, clash.mine) if clash else []
    about = {"document": document, "draft": draft, "offer": offer, "places": places, "rows": rows}
    return page("form", space, **about, **{"errors": {}, **more})


def submit(
    space: Space, document: Document | None, draft: Draft, offer: Offer | None
) -> str | Response | tuple[str, int]:
    """Preview, or save; whatever is wrong, the form comes back with all that was typed."""
    if request.form.get("action") == "preview":
        preview = shown(space, typed(space, draft.source), draft.title)
        return form(space, document, draft, offer=offer, preview=preview.html)
    try:
        with working() as work:
            done: Document | Offer
            if document is None:
                done = operations.write_document(work, space, drafts.as_new(draft))
            else:
                asked = drafts.as_edit(draft, document)
                done = operations.edit_document(work, space, asked)
            if offer is not None:
                drop_offer(work, offer)
    except Invalid as invalid:
        errors = {name: _(text) for name, text in invalid.fields.items()}
        return form(space, document, draft, offer=offer, errors=errors), 422
    except EditClash as clash:
        again, both = drafts.after_clash(draft, clash)
        return form(space, document, again, offer=offer, clash=both), 409
    return after(space, done, _("Document enregistré."))


def compared(before: str, after: str) -> list[Row]:
    """Rows for the `diff` macro, with a sentence for the lines left out."""
    return [row.saying(_words_for) for row in side_by_side(before, after)]


def _words_for(skipped: int) -> str:
    if not skipped:
        return str(_("La suite n’est pas montrée : il y a trop de lignes changées."))
    return str(ngettext("… %(num)s ligne identique …", "… %(num)s lignes identiques …", skipped))


@bp.get("/<slug>/history")
def history(address: str, slug: str) -> str:
    space, session = room(address), dbsession()
    document = queries.text_at(session, space, slug, viewer())
    at = queries.history(session, document, request.args.get("page", 1, type=int))
    offers = offers_shown(session, space, viewer(), document)
    return page("history", space, document=document, at=at, offers=offers)


@bp.get("/<slug>/diff")
def diff(address: str, slug: str) -> str:
    space, session = room(address), dbsession()
    document = queries.text_at(session, space, slug, viewer())
    to = request.args.get("to", document.revision, type=int)
    since = request.args.get("from", max(to - 1, 1), type=int)
    before, later = (queries.revision_numbered(session, document, n) for n in (since, to))
    rows = compared(before.source, later.source)
    return page("diff", space, document=document, before=before, later=later, rows=rows)


@bp.get("/<slug>/version/<int:number>")
def version(address: str, slug: str, number: int) -> str:
    space, session = room(address), dbsession()
    document = queries.text_at(session, space, slug, viewer())
    revision = queries.revision_numbered(session, document, number)
    html = shown(space, typed(space, revision.source), revision.title).html
    return page("version", space, document=document, revision=revision, html=html)


@bp.post("/<slug>/<any(restore_revision, move, remove, restore):act>")
def change(address: str, slug: str, act: str) -> Response:
    space = room(address)
    document = queries.document_at(dbsession(), space, slug)
    kind, run, said = CHANGES[act]
    given = parse(kind, {**request.form.to_dict(), "document": document.uid})
    with working() as work:
        done = run(work, space, given)
    if act == "remove" and isinstance(done, Document):
        url = url_for("pages.change", address=address, slug=slug, act="restore")
        told: Any = {"text": _(said), "action": url, "label": _("Annuler")}
        flash(told, "undo")
        return redirect(url_for("pages.tree", address=space.address))
    return after(space, done, _(said))


@bp.get("/offers/<uid>")
def offered(address: str, uid: str) -> str:
    space = room(address)
    offer, document = find_offer(space, uid)
    source = offer.given.get("source", "")
    html = shown(space, typed(space, source), "").html
    rows = compared(document.source, source) if document and source else []
    return page("offer", space, offer=offer, document=document, html=html, rows=rows)


def find_offer(space: Space, uid: str) -> tuple[Offer, Document | None]:
    offer = offer_named(dbsession(), space, uid, viewer())
    document = dbsession().get(Document, offer.item_id) if offer.item_id else None
    return offer, document


@bp.route("/offers/<uid>/edit", methods=["GET", "POST"])
def edit_offer(address: str, uid: str) -> str | Response | tuple[str, int]:
    space = room(address)
    offer, document = find_offer(space, uid)
    open_again = offer.state in (OfferState.CONFLICT, OfferState.REFUSED)
    if offer.actor_id != require_login().actor_id or not open_again:
        raise Missing(ABSENT)
    if request.method == "POST":
        return submit(space, document, drafts.draft_from(request.form), offer)
    draft, clash = drafts.draft_of_offer(dbsession(), offer, document)
    return form(space, document, draft, offer=offer, clash=clash)


@bp.post("/offers/<uid>/drop")
def drop(address: str, uid: str) -> Response:
    with working() as work:
        drop_offer(work, find_offer(space := room(address), uid)[0])
    flash(_("La proposition est abandonnée."), "ok")
    return redirect(url_for("pages.tree", address=space.address))


@bp.get("/export")
def export(address: str) -> Response:
    space = room(address)
    answer = Response(exchange.zip_of(dbsession(), space), mimetype="application/zip")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{space.slug}.zip")
    return answer


@bp.route("/import", methods=["GET", "POST"], endpoint="import_zip")
def import_zip(address: str) -> str | tuple[str, int]:
    actor, space, runtime = require_login().actor, room(address), current_runtime()
    if role_of(dbsession(), space, actor.id) < Role.FACILITATOR:
        raise Forbidden(NEEDS[Role.FACILITATOR])
    if request.method == "GET":
        return page("import", space, errors={}, report=None)
    sent = request.files.get("file")
    try:
        if sent is None or not sent.filename:
            raise Invalid(file=N_("Choisissez un fichier zip."))
        found = files_in_zip(sent.stream, runtime.settings.limits.import_file)
        plan = plan_import(dbsession(), space, found)
    except Invalid as invalid:
        errors = {name: _(text) for name, text in invalid.fields.items()}
        return page("import", space, errors=errors, report=None), 422
    report = exchange.run_import(lambda: runtime.work(actor), space, plan, lambda path: None)
    refused = [(path, _(why)) for path, why in [*report.refused, *report.cleaned]]
    return page("import", space, errors={}, report=report, refused=refused)
