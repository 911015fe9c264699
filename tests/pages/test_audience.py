"""Who will see it: said under every box, true for every project, and no other way to anybody."""

from __future__ import annotations

import json
import re

import pytest
from conftest import log_in

from collab.people.queries import account_of
from collab.people.tokens import GiveToken, give_token
from collab.spaces.models import Item, Visibility
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db

SENTENCES = {
    Visibility.PUBLIC: "Qui verra ceci : tout le monde, ici et sur les instances reliées.",
    Visibility.MEMBERS: "Qui verra ceci : les membres du projet, et personne d’autre.",
    Visibility.LOCAL: "Qui verra ceci : les personnes de cette instance. Rien ne part ailleurs.",
}
READERS = {
    Visibility.PUBLIC: {"stranger", "adult", "pupil"},
    Visibility.MEMBERS: {"pupil"},
    Visibility.LOCAL: {"adult", "pupil"},
}


def audience(page: str) -> list[str]:
    """The sentences that say who will see it, as a reader has them."""
    found = re.findall(r'<p class="who">(.*?)</p>', page, re.DOTALL)
    return [
        re.sub(r"<[^>]+>|\s+", lambda m: " " if m[0].isspace() else "", one).strip()
        for one in found
    ]


@pytest.mark.parametrize("visibility", list(Visibility))
def test_pup_4_each_box_says_who_will_see_it_and_it_is_true(house, make, client, visibility):
    teacher, pupil, adult = make.person("prof"), make.person("eleve"), make.person("adulte")
    space = make.space(teacher, pupil, visibility=visibility)
    with house.as_(pupil) as work:
        thread = open_thread(work, space, OpenThread(title="Semis", body="Un secret de classe"))
    log_in(client, pupil)
    sent = {"title": "Carnet", "source": "Un secret", "action": "save"}
    written = client.post("/p/jardin/pages/new", data=sent).headers["Location"]
    boxes = (
        f"/p/jardin/discussion/{thread.uid}/",
        "/p/jardin/discussion/new",
        f"/p/jardin/discussion/m/{thread.uid}/edit",
        "/p/jardin/pages/new",
        f"{written}/edit",
    )
    for box in boxes:
        page = client.get(box).get_data(as_text=True)
        assert "<textarea" in page, box
        assert audience(page) == [SENTENCES[visibility]], box

    can = set()
    for name, actor in (("stranger", None), ("adult", adult), ("pupil", pupil)):
        window = house.client()
        if actor:
            log_in(window, actor)
        seen = [
            "secret" in window.get(path).get_data(as_text=True)
            for path in (f"/p/jardin/discussion/{thread.uid}/", written)
        ]
        assert seen[0] == seen[1], name
        can |= {name} if seen[0] else set()
    assert can == READERS[visibility]


def test_pup_4_there_is_no_door_to_an_adult_outside_the_project(house, make, client):
    teacher, pupil, adult = make.person("prof"), make.person("eleve"), make.person("adulte")
    make.space(teacher, pupil, visibility=Visibility.MEMBERS)
    make.space(adult, slug="ouvert")
    make.space(adult, slug="ferme", visibility=Visibility.MEMBERS)
    with house.as_(pupil) as work:
        account = account_of(work.session, pupil.id)
        bearer = give_token(work, account, GiveToken("essai", ("read", "write")))
    token = {"Authorization": f"Bearer {bearer}"}
    words = {"title": "Bonjour", "body": "Venez @adulte", "once": "k"}
    log_in(client, pupil)
    form = client.post("/p/ouvert/discussion/new", data=words)
    assert form.status_code == 403
    for address, status in (("ouvert", 403), ("ferme", 404)):
        path = f"/api/v1/spaces/{address}/discussion/threads"
        assert client.post(path, json=words, headers=token).status_code == status
    note = {"type": "Create", "to": [adult.iri], "object": {"type": "Note", "content": "Venez"}}
    for door in ("inbox", "outbox"):
        told = {"data": json.dumps(note), "content_type": "application/activity+json"}
        got = client.post(f"/u/adulte/{door}", headers=token, **told)
        assert got.status_code in (401, 403, 404, 405), door
    assert db.session.query(Item).count() == 0

    own = client.post("/api/v1/spaces/jardin/discussion/threads", json=words, headers=token).json[
        "id"
    ]
    window = house.client()
    log_in(window, adult)
    assert window.get(f"/p/jardin/discussion/{own}/").status_code == 404
    assert "Bonjour" not in window.get("/").get_data(as_text=True)

    to_people = [
        str(rule)
        for rule in house.app.url_map.iter_rules()
        if "POST" in rule.methods
        and re.match(r"/(api/v1/)?(u|people|persons|messages)\b", str(rule))
    ]
    assert set(to_people) <= {"/u/<name>/inbox"}
