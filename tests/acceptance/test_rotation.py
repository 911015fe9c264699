"""Two instances that know each other change their keys, and a third comes later."""

from __future__ import annotations

import json

import pytest
from harness import Instance, until
from steps import bodies, on_mirror, open_shared, same_state


@pytest.fixture(scope="module")
def shared(pair):
    a, b = pair
    return a, b, open_shared(a, b, "jardin")


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    c = Instance(tmp_path_factory.mktemp("late") / "c", "Maison d’à côté").create()
    c.person("cleo")
    try:
        yield c.start()
    finally:
        c.end()


def say(instance, alias, thread, words):
    return instance.api("POST", f"/items/{thread}/messages", as_=alias, sent={"body": words})


def test_after_new_keys_on_both_sides_people_go_on_talking_and_the_past_still_verifies(
    shared, late
):
    a, b, address = shared
    thread = a.api(
        "POST", "/spaces/jardin/discussion/threads", as_="ada",
        sent={"title": "Outils", "body": "début"},
    )  # fmt: skip
    copy = on_mirror(b, address, thread["iri"], "bea", "discussion/threads")
    say(b, "bea", copy["id"], "avant, de B")
    until(lambda: bodies(a, thread["id"], "ada")[-1] == "avant, de B", "the answer is on A")

    changed = a.cli("keys", "rotate", "--all").splitlines()
    assert f"{a.origin}/p/jardin#main-key-2 {a.origin}/p/jardin#ed25519-2" in changed
    b.cli("keys", "rotate", "bea")

    say(a, "ada", thread["id"], "après, de A")
    until(lambda: bodies(b, copy["id"], "bea")[-1] == "après, de A", "A’s answer is on B")
    say(b, "bea", copy["id"], "après, de B")
    until(lambda: bodies(a, thread["id"], "ada")[-1] == "après, de B", "B’s answer is on A")
    until(lambda: same_state(a, b, "jardin", address), "host and mirror hold the same")

    late.api("POST", f"/spaces/{address}/follow", as_="cleo")
    there = on_mirror(late, address, thread["iri"], "cleo", "discussion/threads")
    said = ["début", "avant, de B", "après, de A", "après, de B"]
    until(lambda: bodies(late, there["id"], "cleo") == said, "a new mirror has all of it")
    told = late.api("GET", f"/spaces/{address}/federation", as_="cleo")
    assert told["mirror"]["last_error"] == ""


def test_the_list_says_which_keys_are_in_use(shared):
    a, b, _address = shared
    for instance, name in ((a, "jardin"), (b, "bea")):
        rows = json.loads(instance.cli("keys", "list", name, "--json"))
        assert [bool(row["expires"]) for row in rows] == [True, True, False, False]
    assert "nobody here is called" in a.cli("keys", "rotate", "nobody", status=1)


def test_no_letter_was_refused(shared):
    a, b, _address = shared

    def settled():
        found = [
            row for instance in (a, b)
            for row in json.loads(instance.cli("show", "deliveries", "--json"))
        ]  # fmt: skip
        return found if all(row["state"] != "waiting" for row in found) else None

    assert [row for row in until(settled, "nothing waits") if row["state"] == "refused"] == []
