"""Saying that a text is not right: who may, who reads it, how it ends."""

from __future__ import annotations

import re

import pytest
from conftest import log_in

from collab.core.errors import Forbidden, Invalid, Missing, TooMany
from collab.people.models import AccountRole
from collab.people.queries import site
from collab.spaces.models import Report, Visibility
from collab.spaces.reports import (
    MOST_A_DAY,
    CloseReport,
    MakeReport,
    close_report,
    make_report,
    reports_by,
)
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.web.extensions import db


@pytest.fixture
def people(make):
    return {name: make.person(name) for name in ("ines", "lea", "omar")}


@pytest.fixture
def space(make, people):
    return make.space(people["ines"], people["lea"], people["omar"])


@pytest.fixture
def thread(as_, space, people):
    with as_(people["lea"]) as work:
        return open_thread(work, space, OpenThread(title="Une cuve", body="Vends cuves."))


@pytest.fixture
def by(house, people):
    def browser(name):
        client = house.client()
        log_in(client, people[name])
        return client

    return browser


def made(as_, actor, space, item, reason="spam", words="") -> Report:
    with as_(actor) as work:
        return make_report(work, space, item, MakeReport(reason=reason, words=words))


def page(client, address):
    answer = client.get(address)
    return answer.get_data(as_text=True)


def test_a_report_goes_from_the_message_to_the_facilitators_and_back(by, space, thread):
    site(db.session()).set_up_at = thread.created_at
    db.session.commit()
    omar, ines = by("omar"), by("ines")
    there = f"{space.url}/discussion/{thread.uid}/"
    (link,) = re.findall(rf'href="({space.url}/report/[^"]+)"', page(omar, there))
    form = page(omar, link)
    assert "Vends cuves." in form
    assert "les personnes référentes du projet" in form
    sent = omar.post(link, data={"reason": "spam", "words": "Trois fois déjà"})
    assert sent.status_code == 302
    assert "en attente d’une réponse" in page(omar, "/account/reports")
    assert "1 à lire" in page(ines, space.url).replace("\u00a0", " ")
    listed = page(ines, f"{space.url}/reports")
    assert "Trois fois déjà" in listed
    assert "omar" in listed
    (one,) = set(re.findall(r'href="(/reports/\w+)"', listed))
    hidden = ines.post(f"{one}/hide", follow_redirects=True)
    assert "Le texte n’est plus montré" in hidden.get_data(as_text=True)
    assert "Vends cuves." not in page(omar, there)
    again = ines.post(one, data={"answer": ""})
    assert again.status_code == 422
    assert ines.post(one, data={"answer": "Texte caché, merci."}).status_code == 302
    assert "Une personne a répondu" in page(omar, "/")
    assert "Texte caché, merci." in page(omar, "/account/reports")
    assert "Une personne a répondu" not in page(omar, "/")


def test_what_was_typed_comes_back_with_what_to_mend(by, space, thread):
    sent = by("omar").post(f"{space.url}/report/{thread.uid}", data={"reason": "", "words": "Bof"})
    assert sent.status_code == 422
    assert ">\nBof</textarea>" in sent.get_data(as_text=True)


def test_nobody_reports_their_own_or_twice_and_strangers_log_in_first(house, by, space, thread):
    assert f"{space.url}/report/" not in page(
        house.client(), f"{space.url}/discussion/{thread.uid}/"
    )
    assert f"{space.url}/report/" not in page(by("lea"), f"{space.url}/discussion/{thread.uid}/")
    url = f"{space.url}/report/{thread.uid}"
    assert house.client().post(url, data={"reason": "spam"}).status_code in (302, 401)
    assert "votre propre texte" in by("lea").post(
        url, data={"reason": "spam"}, follow_redirects=True
    ).get_data(as_text=True)
    by("omar").post(url, data={"reason": "spam"})
    assert "déjà signalé" in by("omar").post(
        url, data={"reason": "spam"}, follow_redirects=True
    ).get_data(as_text=True)
    assert db.session.query(Report).count() == 1


def test_a_reason_is_needed_and_other_needs_words(as_, space, thread, people):
    for given in (
        MakeReport(reason="because"),
        MakeReport(reason="other", words="  "),
        MakeReport(reason="spam", words="x" * 2001),
    ):
        with pytest.raises(Invalid), as_(people["omar"]) as work:
            make_report(work, space, thread, given)


def test_what_one_may_not_read_cannot_be_reported(as_, make, people):
    hidden = make.space(people["ines"], slug="cercle", visibility=Visibility.MEMBERS)
    with as_(people["ines"]) as work:
        thread = open_thread(work, hidden, OpenThread(title="Entre nous", body="Secret"))
    with pytest.raises(Missing):
        made(as_, people["omar"], hidden, thread)


def test_a_day_has_so_many_reports(as_, space, thread, people):
    for _ in range(MOST_A_DAY):
        with as_(people["lea"]) as work:
            said = post_message(work, space, PostMessage(thread=thread.uid, body="Encore"))
        made(as_, people["omar"], space, said)
    with as_(people["lea"]) as work:
        said = post_message(work, space, PostMessage(thread=thread.uid, body="Encore"))
    with pytest.raises(TooMany):
        made(as_, people["omar"], space, said)


def test_only_those_in_charge_read_and_close(as_, by, make, house, space, thread, people):
    row = made(as_, people["omar"], space, thread)
    for name in ("omar", "lea"):
        assert by(name).get(f"{space.url}/reports").status_code == 403
        assert by(name).get(f"/reports/{row.uid}").status_code == 404
        assert by(name).post(f"/reports/{row.uid}", data={"answer": "Non"}).status_code == 404
        assert by(name).get("/admin/reports").status_code == 403
        with pytest.raises(Forbidden), as_(people[name]) as work:
            close_report(work, row, CloseReport("Non"))
    watch = house.client()
    log_in(watch, make.person("garde", AccountRole.MODERATOR))
    assert "Un texte de lea" in page(watch, "/admin/reports")
    assert watch.post(f"/reports/{row.uid}", data={"answer": "Vu"}).status_code == 302
    db.session.rollback()
    assert [r.answer for r in reports_by(db.session(), people["omar"])] == ["Vu"]
    with as_(people["ines"]) as work:
        assert close_report(work, row, CloseReport("Autre avis")).answer == "Vu"


def test_whoever_is_no_longer_in_charge_reads_no_more(as_, by, make, space, thread, people):
    row = made(as_, people["omar"], space, thread)
    people["ines"].suspended_at = row.created_at
    db.session.commit()
    with pytest.raises(Forbidden), as_(people["ines"]) as work:
        close_report(work, row, CloseReport("Vu"))


def test_a_suspended_person_reports_nothing(as_, space, thread, people):
    people["omar"].suspended_at = thread.created_at
    db.session.commit()
    with pytest.raises(Forbidden):
        made(as_, people["omar"], space, thread)
