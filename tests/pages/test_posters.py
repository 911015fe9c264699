"""Posters, cards and lists: for those who look after a project, in the language that is asked."""

from __future__ import annotations

import re

import pytest
from conftest import log_in

from collab.core.paper import pdf, press
from collab.pages import posters
from collab.people.queries import site
from collab.spaces.invitations import Invite, invite, revoke_invitation
from collab.spaces.invitations import Revoke as End
from collab.spaces.models import Invitation, Visibility
from collab.spaces.operations import ReviseSpace, revise_space
from collab.spaces.tools.pages.inputs import RemoveDocument, WriteDocument
from collab.spaces.tools.pages.operations import remove_document, write_document
from collab.web.extensions import db


@pytest.fixture
def ada(make):
    return make.person("ada")


@pytest.fixture
def garden(make, ada):
    return make.space(ada, make.person("bob"))


@pytest.fixture
def invitation(as_, ada, garden):
    with as_(ada) as work:
        return invite(work, garden, Invite())


def test_only_those_who_look_after_a_project_print_what_leads_into_it(
    client, make, ada, garden, invitation
):
    address = f"/p/jardin/posters/a4.pdf?invitation={invitation.id}"
    assert client.get(address).status_code == 302, "a stranger is asked who they are"
    bob = client.application.test_client()
    log_in(bob, next(m for m in (make.person("omar"),)))
    assert bob.get(address).status_code == 403
    assert bob.get("/p/jardin/posters").status_code == 403
    log_in(client, ada)
    page = client.get("/p/jardin/posters").get_data(as_text=True)
    assert f'<option value="{invitation.id}">' in page
    for sheet in ("a4.pdf", "a3.pdf", "cards.pdf", "list.pdf"):
        assert f"/p/jardin/posters/{sheet}" in page


def test_a_poster_is_printed_in_the_language_asked_for_and_leads_to_it(
    client, as_, ada, garden, invitation, monkeypatch
):
    asked: list[str] = []
    drawn = posters.drawing
    monkeypatch.setattr(posters, "drawing", lambda link: asked.append(link) or drawn(link))
    log_in(client, ada)
    answer = client.get(f"/p/jardin/posters/a4.pdf?invitation={invitation.id}&langue=ar")
    assert answer.mimetype == "application/pdf"
    assert "filename=jardin-affiche-a4-ar.pdf" in answer.headers["Content-Disposition"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in answer.data
    assert b"<rdf:li>ar</rdf:li>" in answer.data
    assert asked == [f"https://here.example/join?code={invitation.code}&langue=ar"]
    again = client.get(
        f"/p/jardin/posters/a4.pdf?invitation={invitation.id}&langue=ar",
        headers={"If-None-Match": answer.headers["ETag"]},
    )
    assert (again.status_code, again.data) == (304, b"")


def test_ten_cards_for_ten_people_each_work_once(client, ada, garden):
    log_in(client, ada)
    made = client.post("/p/jardin/posters/cards", data={"days": "7", "langue": "en"})
    assert made.status_code == 303
    rows = db.session.query(Invitation).all()
    assert len({row.code for row in rows}) == posters.ON_A_SHEET
    assert {row.uses_left for row in rows} == {1}
    assert len(re.findall("invitation=", made.location)) == posters.ON_A_SHEET
    assert client.get(made.location).data.startswith(b"%PDF-")
    page = client.get("/p/jardin/posters").get_data(as_text=True)
    assert '<option value="1">' not in page, "a card for one person is on no poster"
    wrong = client.post("/p/jardin/posters/cards", data={"days": "demain"})
    assert wrong.status_code == 422
    assert "Comment ça marche" in wrong.get_data(as_text=True)


def test_cards_that_were_asked_for_twice_are_made_once(client, ada, garden):
    log_in(client, ada)
    page = client.get("/p/jardin/posters").get_data(as_text=True)
    key = re.search(r'name="once" value="(\w+)"', page)
    assert key
    asked = {"days": "7", "langue": "fr", "once": key[1]}
    first = client.post("/p/jardin/posters/cards", data=asked)
    again = client.post("/p/jardin/posters/cards", data=asked)
    assert again.location == first.location
    assert db.session.query(Invitation).count() == posters.ON_A_SHEET
    page = client.get("/p/jardin/posters").get_data(as_text=True)
    assert f'value="{key[1]}"' not in page, "who wants ten more gets ten more"


def test_an_invitation_that_has_ended_or_is_of_another_project_is_on_no_paper(
    client, make, as_, ada, garden, invitation
):
    other = make.space(ada, slug="verger")
    log_in(client, ada)
    assert client.get(f"{other.url}/posters/a4.pdf?invitation={invitation.id}").status_code == 404
    assert client.get("/p/jardin/posters/list.pdf").status_code == 404
    with as_(ada) as work:
        revoke_invitation(work, garden, End(invitation.id))
    assert client.get(f"/p/jardin/posters/list.pdf?invitation={invitation.id}").status_code == 404


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_a_sheet_is_one_page_however_much_people_write(house, as_, ada, garden, language):
    many = "Un jardin partagé où l’on apprend à semer, à composter et à vivre ensemble. " * 20
    with as_(ada) as work:
        told = ReviseSpace(name=many[:110], why=many, who=many, how=many, territory=many[:80])
        revise_space(work, garden, told)
        row = invite(work, garden, Invite())
        site(work.session).contact = many
    with house.app.test_request_context(f"/?langue={language}", base_url="https://here.example"):
        for form, more in posters.FORMS.items():
            data = posters._common(garden, row) | more(garden, [row]) | {"paper": "a4"}
            assert data["lang"] == language
            assert pdf.pages(form, data) == 1, form


@pytest.fixture
def document(as_, ada, garden):
    with as_(ada) as work:
        return write_document(
            work, garden, WriteDocument(title="Calendrier", source="# Mars\n\nSemer : oui.")
        )


def test_a_document_is_taken_along_by_whoever_may_read_it(client, document):
    page = client.get("/p/jardin/pages/calendrier").get_data(as_text=True)
    assert "(accessibilité non vérifiée)" in page
    for kind in ("pdf", "odt", "epub"):
        assert f'href="/p/jardin/pages/calendrier/download.{kind}"' in page
    made = client.get("/p/jardin/pages/calendrier/download.pdf")
    assert made.headers["Content-Disposition"] == "attachment; filename=calendrier.pdf"
    page = client.get("/p/jardin/pages/calendrier").get_data(as_text=True)
    told = " ".join(page.partition("download.pdf")[2][:200].split())
    assert "accessible, " in told
    assert "Ko" in told


def test_a_document_that_one_may_not_read_has_no_files_either(client, make, as_, ada, document):
    secret = make.space(ada, slug="bureau", visibility=Visibility.MEMBERS)
    with as_(ada) as work:
        write_document(work, secret, WriteDocument(title="Comptes", source="x"))
        remove_document(work, document.space, RemoveDocument(document=document.uid))
    nothing = client.get("/p/nulle-part/pages/comptes/download.pdf")
    hidden = client.get("/p/bureau/pages/comptes/download.pdf")
    assert (hidden.status_code, hidden.mimetype) == (nothing.status_code, nothing.mimetype)
    assert hidden.status_code == 404
    for kind in ("pdf", "odt", "epub"):
        assert client.get(f"/p/jardin/pages/calendrier/download.{kind}").status_code == 404
    assert client.get("/p/jardin/pages/calendrier/download.exe").status_code == 404


def test_a_document_too_long_for_paper_says_so(client, document, monkeypatch):
    monkeypatch.setattr("collab.core.paper.press.LARGEST", 10)
    answer = client.get("/p/jardin/pages/calendrier/download.odt")
    assert answer.status_code == 413
    assert "Partagez-le en plusieurs" in answer.get_data(as_text=True)


def test_a_file_that_cannot_be_made_now_says_so_and_speaks_of_no_database(
    client, document, monkeypatch
):
    monkeypatch.setattr(press, "WAIT", 0)
    for _turn in range(press.AT_ONCE):
        press._turns.acquire()
    try:
        refused = client.get("/p/jardin/pages/calendrier/download.odt")
    finally:
        press._turns.release(press.AT_ONCE)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 503
    assert "Le fichier n’est pas prêt" in page
    assert "base" not in page.split("<main")[1].split("</main")[0]
