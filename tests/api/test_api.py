"""The JSON door, asked as scripts ask it."""

from __future__ import annotations

import pytest

from collab.people.queries import account_of
from collab.people.tokens import GiveToken, give_token
from collab.spaces.models import Visibility
from collab.web.extensions import db


@pytest.fixture
def token_of(house):
    def give(actor, *scopes: str) -> dict[str, str]:
        with house.as_(actor) as work:
            account = account_of(work.session, actor.id)
            bearer = give_token(work, account, GiveToken("test", scopes or ("read", "write")))
        return {"Authorization": f"Bearer {bearer}"}

    return give


def test_a_thread_is_opened_answered_and_read(make, client, token_of):
    ada = make.person("ada")
    make.space(ada)
    headers = token_of(ada)
    path = "/api/v1/spaces/jardin/discussion/threads"
    made = client.post(path, json={"title": "Eau", "body": "Bonjour"}, headers=headers)
    assert made.status_code == 201
    uid = made.json["id"]
    for n in range(3):
        said = client.post(
            f"/api/v1/items/{uid}/messages", json={"body": f"message {n}"}, headers=headers
        )
        assert said.status_code == 201
    first = client.get(f"/api/v1/items/{uid}/messages?limit=3", headers=headers)
    assert [m["body"] for m in first.json] == ["Bonjour", "message 0", "message 1"]
    following = first.headers["Link"].partition(">")[0].removeprefix("<https://here.example")
    rest = client.get(following, headers=headers)
    assert [m["body"] for m in rest.json] == ["message 2"]
    assert "Link" not in rest.headers


def test_a_stranger_reads_what_is_public_and_finds_nothing_else(make, client, token_of):
    ada = make.person("ada")
    make.space(ada)
    make.space(ada, slug="secret", visibility=Visibility.MEMBERS)
    listed = client.get("/api/v1/spaces").json
    assert [s["slug"] for s in listed] == ["jardin"]
    hidden = client.get("/api/v1/spaces/secret/discussion/threads")
    absent = client.get("/api/v1/spaces/nothing/discussion/threads")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json == absent.json


def test_writing_without_a_token_is_refused_as_problem_json(make, client):
    make.space(make.person("ada"))
    answer = client.post("/api/v1/spaces/jardin/discussion/threads", json={"title": "Eau"})
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "unauthenticated"


def test_a_token_that_may_only_read_writes_nothing(make, client, token_of):
    ada = make.person("ada")
    make.space(ada)
    answer = client.post(
        "/api/v1/spaces/jardin/discussion/threads",
        json={"title": "Eau", "body": "x"},
        headers=token_of(ada, "read"),
    )
    assert answer.status_code == 403
    assert client.get("/api/v1/spaces/jardin/discussion/threads").json == []


def test_a_wrong_token_is_refused_even_for_public_things(make, client):
    make.space(make.person("ada"))
    answer = client.get("/api/v1/spaces", headers={"Authorization": "Bearer collab_guess"})
    assert answer.status_code == 401


@pytest.mark.parametrize("body", [b"[1]", b"{", b'"x"', b"\xff", b"[" * 200_000], ids=range(5))
def test_a_body_that_is_no_object_names_the_mistake(make, client, token_of, body):
    ada = make.person("ada")
    make.space(ada)
    answer = client.post(
        "/api/v1/spaces/jardin/discussion/threads", data=body, headers=token_of(ada)
    )
    assert answer.status_code == 422
    assert answer.json["code"] == "invalid"
    assert "body" in answer.json["errors"]


def test_a_missing_field_is_named(make, client, token_of):
    ada = make.person("ada")
    answer = client.post("/api/v1/spaces", json={}, headers=token_of(ada))
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"name"}


def test_internal_fields_cannot_be_set_from_outside(make, client, token_of):
    ada = make.person("ada")
    make.space(ada)
    answer = client.post(
        "/api/v1/spaces/jardin/discussion/threads",
        json={
            "title": "Eau",
            "body": "x",
            "iri": "https://evil.example/o/1",
            "uid": "chosen",
            "at": "2001-01-01T00:00:00Z",
            "html": "<script>alert(1)</script>",
        },
        headers=token_of(ada),
    )
    assert answer.status_code == 201
    assert answer.json["iri"].startswith("https://here.example/o/")
    assert answer.json["id"] != "chosen"
    assert "script" not in answer.json["html"]
    assert not answer.json["created_at"].startswith("2001")


def test_a_document_is_written_changed_and_taken_back(make, client, token_of):
    ada = make.person("ada")
    make.space(ada)
    headers = token_of(ada)
    path = "/api/v1/spaces/jardin/pages/documents"
    made = client.post(path, json={"title": "Semis", "body": "# Mars"}, headers=headers)
    assert made.status_code == 201, made.json
    uid = made.json["id"]
    changed = client.patch(
        f"/api/v1/items/{uid}", json={"body": "# Mars\n\npois", "base": "1"}, headers=headers
    )
    assert changed.status_code == 200, changed.json
    assert changed.json["revision"] == 2
    gone = client.delete(f"/api/v1/items/{uid}", headers=headers)
    assert gone.status_code == 200
    assert gone.json["body"] == ""
    assert client.get(path, headers=headers).json == []


def test_the_description_of_the_api_names_every_address(house, client):
    told = client.get("/api/openapi.json").json
    assert told["openapi"].startswith("3.1")
    rules = [r for r in house.app.url_map.iter_rules() if r.endpoint.startswith("api.")]
    assert len(rules) > 15
    described = {(path, verb.upper()) for path, verbs in told["paths"].items() for verb in verbs}
    for rule in rules:
        path = rule.rule.replace("<int:", "<").replace("<", "{").replace(">", "}")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert (path, method) in described
    for operation in [op for verbs in told["paths"].values() for op in verbs.values()]:
        for reference in _references(operation):
            assert reference.removeprefix("#/components/schemas/") in told["components"]["schemas"]


def _references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_what_is_written_is_found_by_the_api(house, make, client, token_of):
    ada = make.person("ada")
    make.space(ada)
    headers = token_of(ada)
    client.post(
        "/api/v1/spaces/jardin/discussion/threads",
        json={"title": "Les Écoles", "body": "on plante des fèves"},
        headers=headers,
    )
    db.session.commit()
    house.settle()
    found = client.get("/api/v1/search?q=ecole", headers=headers).json
    assert [row["title"] for row in found["results"]] == ["Les Écoles"]
    assert found["total"] == 1
