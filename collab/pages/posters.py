"""Paper that brings people in: a poster, ten cards to cut out, a sheet to sign up on by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.db import now
from collab.core.errors import Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.core.markup import excerpt
from collab.core.paper.square import drawing
from collab.core.paper.words import direction
from collab.core.tongues import TONGUES, spoken, tongue
from collab.core.work import Work
from collab.pages.forms import again, blank
from collab.people.queries import site
from collab.spaces.invitations import Invite, invite, valid_invitation
from collab.spaces.models import Invitation, Role, Space, Visibility
from collab.spaces.policy import require_hosted_here, role_of
from collab.spaces.queries import invitations, invited_with
from collab.web.context import space_frame
from collab.web.once import do_once
from collab.web.paper import cloth, limited, printed
from collab.web.presentation import day
from collab.web.runtime import current_runtime
from collab.web.tongues import ASKED, choose_locale, text_direction, text_language_here
from collab.web.view import dbsession, here, require_login, viewer, working

bp = Blueprint("posters", __name__, template_folder="templates")

ON_A_SHEET = 10
ROWS = 13
LONGEST = {"name": 90, "why": 260, "who": 130, "how": 170, "contact": 200, "purpose": 200}
"""Characters of people's words that have room on a poster."""
READERS = {
    Visibility.PUBLIC: N_("Tout le monde peut lire ce projet. Pour écrire, il faut entrer."),
    Visibility.MEMBERS: N_("Ce qui se dit dans ce projet n’est lu que par ses membres."),
}
LOCAL = N_("Ce projet se lit sur ce site seulement.")


def _space(address: str) -> Space:
    """The project, for those who look after it and where it lives."""
    require_login()
    space, actor = here(address), viewer()
    if role_of(dbsession(), space, actor.id if actor else None) < Role.FACILITATOR:
        raise Forbidden(N_("Seules les personnes référentes du projet peuvent faire cela."))
    require_hosted_here(space)
    return space


@bp.get("/p/<address>/posters")
def show(address: str) -> str:
    """The forms for a poster, cards, or a sheet to sign up on."""
    space = _space(address)
    return blank("spaces/posters.html", **_frame(space), typed={"days": "30"})


def _frame(space: Space) -> dict[str, Any]:
    """What the page needs: invitations that can still be used, languages, how many cards."""
    at, made = now(), invitations(dbsession(), space)
    usable = [
        row
        for row in made
        if row.uses_left is None and (row.expires_at is None or row.expires_at > at)
    ]
    tongues = [(one.code, one.name) for one in TONGUES]
    return space_frame(space, "members") | {
        "usable": usable,
        "tongues_here": tongues,
        "now_in": choose_locale(),
        "cards": ON_A_SHEET,
        "seq": made[0].id if made else 0,
    }


@bp.post("/p/<address>/posters/cards")
@limited
def own_cards(address: str) -> Response:
    """Ten invitations for one person each, and the sheet of their cards."""
    space = _space(address)
    try:
        given = parse(Invite, {"days": request.form.get("days", "30"), "uses": "1"})
    except Invalid as invalid:
        return again("spaces/posters.html", invalid, **_frame(space))
    with working() as work:
        first = do_once(work, lambda: _ten(work, space, given))
        made = invited_with(work.session, first)
    asked = request.form.get(ASKED, "")
    told: dict[str, Any] = {ASKED: asked} if spoken(asked) else {}
    return redirect(
        url_for("posters.file", address=address, sheet="cards", invitation=made, **told), 303
    )


def _ten(work: Work, space: Space, given: Invite) -> Invitation:
    """Invitations for a sheet of cards, made in one act. Returns the first."""
    first, *_others = [invite(work, space, given) for _number in range(ON_A_SHEET)]
    return first


@bp.get("/p/<address>/posters/<any(a4, a3, cards, list):sheet>.pdf")
@limited
def file(address: str, sheet: str) -> Response:
    """One sheet, in the language that the address asks for."""
    space = _space(address)
    rows = [_invitation(space, number) for number in request.args.getlist("invitation", int)]
    if not rows:
        raise Missing(N_("Choisissez d’abord une invitation."))
    form = "poster" if sheet in {"a4", "a3"} else sheet
    data = _common(space, rows[0]) | FORMS[form](space, rows)
    if form == "poster":
        data["paper"] = sheet
    return printed("pdf", form, data, file=f"{space.slug}-{NAMES[sheet]}-{choose_locale()}")


NAMES = {"a4": "affiche-a4", "a3": "affiche-a3", "cards": "cartes", "list": "liste"}


def _invitation(space: Space, number: int) -> Invitation:
    row = dbsession().get(Invitation, number)
    if row is None or row.space_id != space.id:
        raise Missing(N_("Cette invitation n’existe pas, ou elle n’est plus valable."))
    return valid_invitation(dbsession(), row.code, now())


def _own(words: str, name: str) -> dict[str, str]:
    """People's words, cut where there is no more room, with the direction they run in."""
    return {"s": excerpt(words, LONGEST[name]), "dir": direction(words)}


def _link(row: Invitation) -> str:
    """Where the square leads: the page that says what the project is, in the sheet's language."""
    asked = tongue(choose_locale()).code
    return f"{current_runtime().settings.origin}/join?code={row.code}&{ASKED}={asked}"


def _code(row: Invitation) -> str:
    return " ".join((row.code[:4], row.code[4:8], row.code[8:]))


def _until(row: Invitation) -> str:
    if row.expires_at is None:
        return ""
    return str(_("Valable jusqu’au %(day)s.", day=day(row.expires_at, weekday=False)))


def _common(space: Space, row: Invitation) -> dict[str, Any]:
    """What all three sheets say."""
    where = f"{current_runtime().settings.host}/join"
    told, here_ = site(dbsession()), _("au lieu où cette feuille est posée")
    return {
        "lang": text_language_here(),
        "dir": text_direction(),
        "title": f"{space.name} · {told.name}",
        "space": _own(space.name, "name"),
        "site": _own(told.name, "name"),
        "contact": _own(" · ".join(told.contact.split("\n")) or here_, "contact"),
        "cloth": cloth(space),
        "qr": drawing(_link(row)),
        "code": _code(row),
        "steps": [
            _(
                "Photographiez le carré avec un téléphone. "
                "Ou allez sur %(where)s et tapez le code.",
                where=where,
            ),
            _(
                "Lisez à quoi sert le projet. "
                "Puis choisissez un nom : pas besoin d’adresse électronique."
            ),
            _("Gardez bien votre code de secours. C’est tout, vous pouvez écrire."),
        ],
    }  # fmt: skip


def _poster(space: Space, rows: Sequence[Invitation]) -> dict[str, Any]:
    readers = READERS.get(Visibility(space.visibility), LOCAL)
    return {
        "territory": _own(space.territory, "name"),
        "why": _own(space.why, "why"),
        "who": _own(space.who, "who"),
        "how": _own(space.how, "how"),
        "until": _until(rows[0]),
        "words": {
            "why": _("Pourquoi"),
            "who": _("Pour qui"),
            "how": _("Comment"),
            "come": _("Venez participer"),
            "qr": _("Code carré à photographier"),
            "or-code": _("ou le code :"),
            "readers": _(readers),
            "person": _("Parler à une personne"),
        },
    }


def _cards(space: Space, rows: Sequence[Invitation]) -> dict[str, Any]:
    """Ten cards: each with its own invitation, or all with the one that was chosen."""
    each = list(rows[:ON_A_SHEET]) if len(rows) > 1 else list(rows) * ON_A_SHEET
    cards = [{"qr": drawing(_link(r)), "code": _code(r), "until": _until(r)} for r in each]
    words = {"invited": _("Une invitation pour vous"), "qr": _("Code carré à photographier")}
    return {"cards": cards, "words": words}


def _list(space: Space, rows: Sequence[Invitation]) -> dict[str, Any]:
    purpose = request.args.get("purpose", "").strip()
    usual = _("Vous donner une carte pour entrer dans ce projet, et vous dire quand on se voit.")
    return {
        "purpose": _own(purpose or usual, "purpose"),
        "rows": ROWS,
        "privacy": [
            _("Elle ne sert qu’à cela. Elle n’est ni publiée, ni donnée, ni mise sur Internet."),
            _("Un surnom suffit. Une case peut rester vide."),
            _("Vous pouvez lire, corriger ou faire rayer votre ligne : demandez à qui la garde."),
            _("Si ce n’est pas respecté, vous pouvez vous plaindre à la CNIL."),
        ],
        "words": {
            "kicker": _("Je veux participer"),
            "why": _("À quoi sert cette liste"),
            "number": _("N°"),
            "alias": _("Nom ou surnom"),
            "alias-help": _("celui que les autres verront"),
            "reach": _("Comment vous joindre"),
            "reach-help": _("si vous voulez : téléphone, courrier, un jour où passer"),
            "given": _("Carte remise"),
            "privacy": _("Ce que devient cette feuille"),
            "kept-by": _("Gardée par :"),
            "destroyed": _("Détruite au plus tard le :"),
            "person": _("Parler à une personne :"),
            "qr": _("Code carré à photographier"),
        },
    }


FORMS = {"poster": _poster, "cards": _cards, "list": _list}
