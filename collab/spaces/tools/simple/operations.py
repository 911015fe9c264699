"""What can be done with a simple version: write, change, have read, take back.

It is common to the project. In a project of another instance a text is offered to its host.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from collab.core.errors import Conflict, Invalid
from collab.core.i18n import N_
from collab.core.markup import render
from collab.core.work import Work, new_uid
from collab.people.actors import host_of
from collab.spaces import items
from collab.spaces.items import MAX_TITLE
from collab.spaces.models import Offer, Role, Space
from collab.spaces.offers import make_offer, must_offer
from collab.spaces.policy import require, require_hosted_here
from collab.spaces.summaries import REVIEWED, UNREVIEWED
from collab.spaces.tools.simple.inputs import (
    MAX_BODY,
    MAX_ORGANISATION,
    MAX_READERS,
    EditSimple,
    Review,
    ReviewSimple,
    TakeSimple,
    Told,
    WriteSimple,
)
from collab.spaces.tools.simple.models import TONGUE, SimpleText
from collab.spaces.tools.simple.queries import (
    Original,
    original_named,
    original_of,
    simple_in,
    simple_of,
)

KIND = "simple"
OFFERED = "EasyReadRevision"
CHANGED = N_(
    "Une autre personne a changé ce texte pendant ce temps. Relisez-le, puis enregistrez encore."
)


def write_simple(work: Work, space: Space, given: WriteSimple) -> SimpleText | Offer:
    """Write the simple version of a text of the project; in a remote one, offer it.

    Raises:
        Missing, Forbidden, Conflict: the actor may not write here, or the text is not there, or
            it has a simple version already.
        Invalid: no text, or too long.
    """
    require(work, space, Role.MEMBER)
    told = given.told
    original: Original | None
    if told is None:
        original = original_of(work.session, space, given.of)
        of_iri, of_version = original.iri, original.version
        if simple_of(work.session, space, of_iri):
            raise Conflict(N_("Ce texte a déjà une version simple. Vous pouvez la modifier."))
    else:
        of_iri, of_version = told.of_iri, told.of_version
        original = original_named(work.session, space, of_iri)
    title, body = _checked(given.title, given.body, original)
    if must_offer(work, space):
        return _offer(work, space, None, given.of, {"of": of_iri, "title": title, "body": body})
    uid = told.uid if told else new_uid()
    simple = SimpleText(
        uid=uid,
        iri=told.iri if told else f"{space.iri}/w/{uid}",
        space_id=space.id,
        author_id=work.actor.id,
        title=title,
        source=body,
        html=told.html if told else _html(work, body),
        of_iri=of_iri,
        of_version=of_version,
        revision=told.number if told else 1,
        created_at=told.published if told else work.now,
        revised_at=told.updated if told else None,
    )
    _keep_review(simple, told.review if told else None)
    items.publish(work, simple)
    return simple


def edit_simple(work: Work, space: Space, given: EditSimple) -> SimpleText | Offer:
    """Give a simple version another text, true to its original as it is now.

    Saving the same text says that it is still right: it is no longer stale. What was read by
    others before is « non relue » again when its words change.

    Raises: as `write_simple`; Invalid also when somebody changed it since `base`.
    """
    require(work, space, Role.MEMBER)
    simple = _living(work, space, given.item)
    title, body = _checked(given.title or simple.title, given.body, None)
    told = given.told
    if told is None and given.base and given.base != simple.revision:
        raise Invalid(body=CHANGED)
    if must_offer(work, space):
        change = {"of": simple.of_iri, "title": title, "body": body, "base": simple.revision}
        return _offer(work, space, simple, "", change)
    version = told.of_version if told else _version_now(work, space, simple)
    same = (title, body, version) == (simple.title, simple.source, simple.of_version)
    if told is None and same:
        return simple
    simple.of_version = version
    return _revised(work, simple, title, body, given.summary, told)


def review_simple(work: Work, space: Space, given: ReviewSimple) -> SimpleText:
    """Write down who read the newest revision. The label says no more than that (F-01).

    Raises:
        Missing, Forbidden, Conflict: the actor is no facilitator here, or the original has
            changed since.
        Invalid: nobody is named; for FALC, no people concerned or no organisation.
    """
    simple = _to_review(work, space, given.item)
    readers, organisation = " ".join(given.readers.split()), " ".join(given.organisation.split())
    wrong = {}
    if not readers or len(readers) > MAX_READERS:
        wrong["readers"] = N_("Dites qui a relu ce texte, en 500 caractères au plus.")
    if len(organisation) > MAX_ORGANISATION or (given.concerned and not organisation):
        wrong["organisation"] = N_("Dites avec quelle organisation ce texte a été relu.")
    if wrong:
        raise Invalid(**wrong)
    if simple.of_version != _version_now(work, space, simple):
        raise Conflict(N_("Le texte d’origine a changé : reprenez d’abord la version simple."))
    number = simple.revision + 1
    review = Review(readers, organisation, given.concerned, work.now, number)
    _keep_review(simple, review)
    return _revised(work, simple, simple.title, simple.source, _said(review))


def unreview_simple(work: Work, space: Space, given: TakeSimple) -> SimpleText:
    """Take back what `review_simple` wrote. Raises as it does; nothing to take back is nothing."""
    simple = _to_review(work, space, given.item)
    if simple.reviewed_at is None:
        return simple
    _keep_review(simple, None)
    return _revised(work, simple, simple.title, simple.source, UNREVIEWED)


def remove_simple(work: Work, space: Space, given: TakeSimple) -> SimpleText | Offer:
    """Take a simple version back for a while. Raises as `items.withdraw`, and Missing."""
    simple = simple_in(work.session, space, given.item)
    if must_offer(work, space):
        return _offer(work, space, simple, "", {"withdrawn": True})
    items.withdraw(work, simple)
    return simple


def restore_simple(work: Work, space: Space, given: TakeSimple) -> SimpleText | Offer:
    """Bring a simple version back.

    Raises: as `items.restore`; Conflict when the text has another simple version by now.
    """
    simple = simple_in(work.session, space, given.item)
    if must_offer(work, space):
        return _offer(work, space, simple, "", {"withdrawn": False})
    if simple_of(work.session, space, simple.of_iri) and not work.mirrored:
        raise Conflict(N_("Ce texte a déjà une version simple. Vous pouvez la modifier."))
    items.restore(work, simple)
    return simple


def _to_review(work: Work, space: Space, uid: str) -> SimpleText:
    require(work, space, Role.FACILITATOR)
    require_hosted_here(space)
    return _living(work, space, uid)


def _living(work: Work, space: Space, uid: str) -> SimpleText:
    simple = simple_in(work.session, space, uid)
    if simple.withdrawn_at:
        raise Conflict(N_("Ce texte a été effacé entre-temps."))
    return simple


def _revised(
    work: Work, simple: SimpleText, title: str, body: str, summary: str, told: Told | None = None
) -> SimpleText:
    if told:
        simple.revision = told.number - 1
        _keep_review(simple, told.review)
    html, at = (told.html, told.updated) if told else (_html(work, body), None)
    items.revise(work, simple, title=title, source=body, html=html, summary=summary, at=at)
    return simple


def _keep_review(simple: SimpleText, review: Review | None) -> None:
    simple.readers = review.readers if review else ""
    simple.organisation = review.organisation if review else ""
    simple.concerned = bool(review and review.concerned)
    at: datetime | None = review.at if review else None
    simple.reviewed_at, simple.reviewed_number = at, review.number if review else 0


def _said(review: Review) -> str:
    by = f"{review.readers} ({review.organisation})" if review.organisation else review.readers
    return (REVIEWED % {"by": by})[:300]


def _version_now(work: Work, space: Space, simple: SimpleText) -> str:
    original = original_named(work.session, space, simple.of_iri)
    return original.version if original else simple.of_version


def _checked(title: str, body: str, original: Original | None) -> tuple[str, str]:
    """The title and the text. Raises Invalid.

    Without a title it has that of its original; without either, its own first line.
    """
    body = body.strip()
    if not body:
        raise Invalid(body=N_("Écrivez d’abord le texte."))
    if len(body) > MAX_BODY:
        raise Invalid(body=N_("Ce texte est trop long : 50 000 caractères au plus."))
    line = " ".join(title.split()) or (original.title if original else "")
    line = line or body.splitlines()[0].lstrip("#-* ").strip()
    return line[:MAX_TITLE], body


def _html(work: Work, body: str) -> str:
    return render(body, own_host=host_of(work.origin), breaks=True, heading_base=3)


def _offer(
    work: Work, space: Space, simple: SimpleText | None, of: str, change: dict[str, Any]
) -> Offer:
    wire: dict[str, Any] = {
        "type": OFFERED,
        "id": work.mint("/o/"),
        "attributedTo": work.actor.iri,
        "target": space.iri,
    }
    if simple is not None:
        wire["context"] = simple.iri
    if "body" in change:
        wire |= {"of": change["of"], "name": change["title"]}
        wire |= {"base": change.get("base", 0)}
        wire["source"] = {"content": change["body"], "mediaType": "text/markdown"}
        wire["contentMap"] = {TONGUE: _html(work, change["body"])}
    else:
        wire["withdrawn"] = change["withdrawn"]
    given = {"of_uid": of, "item": simple.uid if simple else "", **change}
    return make_offer(work, space, KIND, simple, wire, given)
