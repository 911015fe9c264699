"""R-17: what the site says of its accessibility follows from audits, and from nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from conftest import PASSWORD, log_in
from flask_babel import refresh
from sqlalchemy import func, select

from collab.core.errors import Invalid
from collab.people.accessibility import (
    Audit,
    Conformity,
    RecordAudit,
    audit_that_counts,
    conformity,
    record_audit,
)
from collab.people.first import first_administrator
from collab.people.operations import Register
from collab.web.extensions import db

TODAY = datetime.now(UTC).date()
FOUND = {
    "made_on": TODAY.isoformat(), "made_by": "Atelier du Web", "reference": "RGAA 4.1",
    "met": "60", "failed": "20", "inapplicable": "26", "failures": "Des images sans texte.",
    "burden": "Les cartes anciennes.", "sample": "Accueil, un projet", "means": "NVDA",
}  # fmt: skip


@pytest.fixture
def founded(house):
    given = Register(alias="ada", password=PASSWORD)
    house.ada = first_administrator(house.runtime.work, "Maison", given, school=False).actor
    return house


@pytest.fixture
def ada(founded):
    client = founded.client()
    log_in(client, founded.ada)
    return client


def text(answer):
    return answer.get_data(as_text=True).replace("\u00a0", " ")


def audit(met, failed, inapplicable, made_on=TODAY):
    return Audit(met=met, failed=failed, inapplicable=inapplicable, made_on=made_on)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, Conformity.NONE),
        (audit(80, 0, 26), Conformity.FULL),
        (audit(79, 1, 26), Conformity.PARTIAL),
        (audit(40, 40, 26), Conformity.PARTIAL),
        (audit(39, 41, 26), Conformity.NONE),
        (audit(80, 0, 26, date(2020, 2, 29)), Conformity.NONE),
    ],
)
def test_r_17_the_state_is_what_the_figures_come_to(found, state):
    assert conformity(found, TODAY) is state


def test_r_17_an_audit_holds_for_three_years():
    leap = audit(80, 0, 26, date(2024, 2, 29))
    assert conformity(leap, date(2027, 2, 28)) is Conformity.FULL
    assert conformity(leap, date(2027, 3, 1)) is Conformity.NONE
    assert audit(2, 1, 103).rate == 66


def test_r_17_without_an_audit_every_page_says_not_compliant(founded, client):
    assert "Accessibilité : non conforme</a>" in text(client.get("/login"))
    said = text(client.get("/accessibilite"))
    assert "non conforme au RGAA 4.1 : aucun audit en cours de validité" in said
    assert "Défenseur des droits, Libre réponse 71120" in said


def test_r_17_a_recorded_audit_is_stated_and_can_be_withdrawn_and_put_back(ada):
    done = ada.post("/admin/accessibilite", data=FOUND)
    assert done.headers["Location"] == "/accessibilite"
    said = text(ada.get("/accessibilite"))
    assert "partiellement conforme au RGAA 4.1" in said
    assert "par Atelier du Web montre que 75 % des critères" in said
    for words in ("Des images sans texte.", "Les cartes anciennes.", "Accueil, un projet", "NVDA"):
        assert words in said
    assert "Accessibilité : partiellement conforme</a>" in text(ada.get("/about"))
    number = db.session.scalars(select(Audit.id)).one()
    ada.post(f"/admin/accessibilite/{number}/withdraw")
    page = text(ada.get("/admin/accessibilite"))
    assert "Accessibilité : non conforme</a>" in page
    assert "Atelier du Web" in page
    assert f'action="/admin/accessibilite/{number}/restore"' in page
    assert "Atelier du Web" not in text(ada.get("/accessibilite"))
    ada.post(f"/admin/accessibilite/{number}/restore")
    assert "Accessibilité : partiellement conforme</a>" in text(ada.get("/about"))


def test_r_17_a_later_audit_counts_and_the_earlier_one_stays_in_the_history(ada):
    before = (TODAY - timedelta(days=400)).isoformat()
    ada.post("/admin/accessibilite", data=FOUND | {"met": "80", "failed": "0"})
    ada.post("/admin/accessibilite", data=FOUND | {"made_on": before, "made_by": "Une école"})
    said = text(ada.get("/accessibilite"))
    assert "totalement conforme au RGAA 4.1" in said
    assert "75 % des critères, RGAA 4.1, par Une école" in said
    like = db.session.scalar(select(Audit.id).where(Audit.made_by == "Une école"))
    assert 'value="Une école"' in text(ada.get(f"/admin/accessibilite?like={like}"))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"met": "106"}, "met"),
        ({"met": "-1", "failed": "81"}, "met"),
        ({"met": "0", "failed": "0", "inapplicable": "106"}, "met"),
        ({"met": "dix"}, "met"),
        ({"failures": " "}, "failures"),
        ({"made_on": (TODAY + timedelta(days=2)).isoformat()}, "made_on"),
        ({"made_on": "hier"}, "made_on"),
        ({"made_by": " "}, "made_by"),
        ({"reference": "au doigt mouillé"}, "reference"),
        ({"burden": "x" * 10_001}, "burden"),
    ],
)
def test_r_17_figures_that_are_no_audit_are_refused_and_what_was_typed_stays(ada, wrong, field):
    answer = ada.post("/admin/accessibilite", data=FOUND | wrong)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in text(answer)
    assert "Les cartes anciennes." in text(answer) or field == "burden"
    assert db.session.scalar(select(func.count(Audit.id))) == 0


def test_r_17_only_administrators_record_withdraw_and_restore(founded, make, as_, client):
    given = RecordAudit(TODAY, "Atelier", 80, 0, 26)
    with as_(founded.ada) as work:
        number = record_audit(work, given).id
    log_in(client, make.person("bob"))
    for path in ("", f"/{number}/withdraw", f"/{number}/restore"):
        assert client.post(f"/admin/accessibilite{path}", data=FOUND).status_code == 403
    assert client.get("/admin/accessibilite").status_code == 403
    assert audit_that_counts(db.session()).made_by == "Atelier"


def test_a_percentage_is_of_the_reference_that_was_used(founded, as_):
    with pytest.raises(Invalid), as_(founded.ada) as work:
        record_audit(work, RecordAudit(TODAY, "Atelier", 80, 0, 26, "WCAG 2.2 AA"))
    with as_(founded.ada) as work:
        made = record_audit(work, RecordAudit(TODAY, "Atelier", 50, 0, 5, "WCAG 2.2 AA"))
    assert made.found is Conformity.FULL


SAID = {
    "fr-x-falc": ("Ce site est-il facile pour tous ?", "Sur 100 points utiles ici, le site en"),
    "ar": ("تصريح إمكانية الوصول", "إذا لم يُجبك أحد"),
}


@pytest.mark.parametrize("code", SAID)
def test_the_statement_is_said_in_easy_french_and_arabic_too(founded, as_, client, code):
    with as_(founded.ada) as work:
        given = RecordAudit(TODAY, "Atelier", 60, 20, 26, failures="Des images sans texte.")
        record_audit(work, given)
    client.post("/langue", data={"locale": code})
    refresh()
    told = text(client.get("/accessibilite"))
    assert [words for words in SAID[code] if words not in told] == []
    assert "Déclaration d’accessibilité" not in told
    assert "Si personne ne vous répond" not in told
