"""Two instances share one live project: what the product is for, driven from outside."""

from __future__ import annotations

import json
import time

import pytest
from harness import until
from steps import bodies, on_mirror, open_shared, same_state


@pytest.fixture(scope="module")
def shared(pair):
    a, b = pair
    return a, b, open_shared(a, b, "jardin")


def test_people_of_two_instances_talk_live(shared):
    a, b, address = shared
    thread = a.api(
        "POST", "/spaces/jardin/discussion/threads", as_="ada",
        sent={"title": "Récupérer l’eau de pluie", "body": "On installe **une cuve** ?"},
    )  # fmt: skip
    copy = on_mirror(b, address, thread["iri"], "bea", "discussion/threads")
    assert copy["title"] == thread["title"]
    assert copy["html"] == thread["html"]
    with a.live("ada") as on_a, b.live("bea") as on_b:
        assert "seq" in on_a.join("jardin")
        assert "seq" in on_b.join(address)
        said = b.api("POST", f"/items/{copy['id']}/messages", as_="bea", sent={"body": "Samedi ?"})
        assert said["state"] == "pending"
        heard = on_a.wait("item.published")[0]
        assert heard["space"] == "jardin"
        on_b.wait("item.confirmed")
        a.api("POST", f"/items/{thread['id']}/messages", as_="ada", sent={"body": "Samedi !"})
        on_b.wait("item.published", 2)
    until(lambda: bodies(b, copy["id"], "bea")[-1] == "Samedi !", "the answer stands on B")
    assert bodies(a, thread["id"], "ada") == bodies(b, copy["id"], "bea")
    confirmed = b.api("GET", f"/items/{said['id']}", as_="bea")
    assert confirmed["state"] == "confirmed"
    until(lambda: same_state(a, b, "jardin", address), "host and mirror hold the same")


def test_an_edit_a_deletion_and_its_undoing_reach_the_other_side(shared):
    a, b, address = shared
    thread = a.api(
        "POST", "/spaces/jardin/discussion/threads", as_="ada",
        sent={"title": "Outils", "body": "Une bêche"},
    )  # fmt: skip
    copy = on_mirror(b, address, thread["iri"], "bea", "discussion/threads")
    said = b.api("POST", f"/items/{copy['id']}/messages", as_="bea", sent={"body": "Un rateau"})
    there = until(
        lambda: [m for m in a.api("GET", f"/items/{thread['id']}/messages", as_="ada")
                 if m["iri"] == said["iri"]],
        "the message is on A",
    )[0]  # fmt: skip
    b.api("PATCH", f"/items/{said['id']}", as_="bea", sent={"body": "Un râteau"})
    until(
        lambda: a.api("GET", f"/items/{there['id']}", as_="ada")["body"] == "Un râteau",
        "the edit is on A",
    )
    b.api("DELETE", f"/items/{said['id']}", as_="bea")
    until(
        lambda: a.api("GET", f"/items/{there['id']}", as_="ada")["withdrawn_at"],
        "the deletion is on A",
    )
    with b.live("bea") as live:
        live.do(address, "discussion", "restore", {"item": said["id"]})
    until(
        lambda: a.api("GET", f"/items/{there['id']}", as_="ada")["body"] == "Un râteau",
        "the undoing is on A",
    )


def test_a_document_is_written_on_a_and_changed_from_b(shared):
    a, b, address = shared
    made = a.api(
        "POST", "/spaces/jardin/pages/documents", as_="ada",
        sent={"title": "Calendrier des semis", "body": "# Mars\n\npois\n\n# Avril\n\ncarottes\n"},
    )  # fmt: skip
    copy = on_mirror(b, address, made["iri"], "bea", "pages/documents")
    assert copy["body"] == made["body"]
    changed = b.api(
        "PATCH", f"/items/{copy['id']}", as_="bea",
        sent={"body": copy["body"] + "\n# Mai\n\nharicots\n", "base": str(copy["revision"])},
    )  # fmt: skip
    assert changed["state"] == "pending"
    until(
        lambda: "haricots" in a.api("GET", f"/items/{made['id']}", as_="ada")["body"],
        "A has taken the change up",
    )
    until(
        lambda: "haricots" in b.api("GET", f"/items/{copy['id']}", as_="bea")["body"],
        "the host’s text is on B",
    )


def test_res_3_what_was_said_while_b_was_down_comes_in_order_and_once(shared):
    a, b, address = shared
    thread = a.api(
        "POST", "/spaces/jardin/discussion/threads", as_="ada",
        sent={"title": "Pendant la panne", "body": "début"},
    )  # fmt: skip
    copy = on_mirror(b, address, thread["iri"], "bea", "discussion/threads")
    b.stop()
    for number in range(25):
        a.api(
            "POST", f"/items/{thread['id']}/messages", as_="ada", sent={"body": f"message {number}"}
        )
    b.start()
    until(lambda: len(bodies(b, copy["id"], "bea")) == 26, "everything missed is on B")
    assert bodies(b, copy["id"], "bea") == bodies(a, thread["id"], "ada")
    until(lambda: same_state(a, b, "jardin", address), "host and mirror hold the same")


def test_what_b_says_while_a_is_down_waits_and_is_said_once(shared):
    a, b, address = shared
    thread = a.api(
        "POST", "/spaces/jardin/discussion/threads", as_="ada",
        sent={"title": "A est loin", "body": "début"},
    )  # fmt: skip
    copy = on_mirror(b, address, thread["iri"], "bea", "discussion/threads")
    a.stop()
    for number in range(5):
        sent = {"body": f"en attendant {number}"}
        said = b.api("POST", f"/items/{copy['id']}/messages", as_="bea", sent=sent)
        assert said["state"] == "pending"
    a.start()
    until(lambda: len(bodies(a, thread["id"], "ada")) == 6, "everything waiting is on A")
    until(
        lambda: all(
            m["state"] == "confirmed"
            for m in b.api("GET", f"/items/{copy['id']}/messages", as_="bea")
        ),
        "everything is confirmed on B",
    )
    assert bodies(a, thread["id"], "ada") == [
        "début", *[f"en attendant {number}" for number in range(5)]
    ]  # fmt: skip


@pytest.mark.parametrize("victim", ["web", "worker"])
def test_a_process_killed_between_commit_and_delivery_loses_nothing(shared, victim):
    a, b, address = shared
    thread = a.api(
        "POST", "/spaces/jardin/discussion/threads", as_="ada",
        sent={"title": f"kill -9 {victim}", "body": "début"},
    )  # fmt: skip
    copy = on_mirror(b, address, thread["iri"], "bea", "discussion/threads")
    for number in range(2):
        a.api(
            "POST", f"/items/{thread['id']}/messages", as_="ada", sent={"body": f"message {number}"}
        )
        a.kill(victim)
        until(lambda: a.get("/readyz", quiet=True).status == 200, f"{victim} is up again")
        until(lambda: len(a.children()) == 2, "both processes run")
    until(lambda: len(bodies(b, copy["id"], "bea")) == 3, "everything is on B")
    assert bodies(b, copy["id"], "bea") == bodies(a, thread["id"], "ada")
    until(lambda: same_state(a, b, "jardin", address), "host and mirror hold the same")


def test_a_page_that_was_cut_off_catches_up_exactly(shared):
    a, _b, _address = shared
    thread = a.api(
        "POST", "/spaces/jardin/discussion/threads", as_="ada",
        sent={"title": "Coupure", "body": "début"},
    )  # fmt: skip
    with a.live("amir") as live:
        seen = live.join("jardin")["seq"]
    for number in range(10):
        a.api(
            "POST", f"/items/{thread['id']}/messages", as_="ada", sent={"body": f"message {number}"}
        )
    with a.live("amir") as live:
        live.join("jardin", after=seen)
        live.wait("item.published", 10)
        a.api("POST", f"/items/{thread['id']}/messages", as_="ada", sent={"body": "encore"})
        published = live.wait("item.published", 11)
        seqs = [event["seq"] for event in live.heard]
    assert seqs == sorted(set(seqs))
    assert min(seqs) > seen
    assert len(published) == 11


def at_rest(instance):
    """The head of the project's log, once nothing is written in it for a while."""
    heads = []

    def twice_the_same():
        heads.append(instance.api("GET", "/spaces/jardin/federation", as_="ada")["log"])
        time.sleep(1)
        return heads[-2:] == [heads[-1]] * 2

    until(twice_the_same, "the log is at rest")
    return heads[-1]


def test_an_unsigned_and_a_tampered_activity_are_refused_and_change_nothing(shared):
    a, b, _address = shared
    before = at_rest(a)
    activity = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"{b.origin}/o/forged#create",
        "type": "Create",
        "actor": f"{b.origin}/u/bea",
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "cc": [f"{a.origin}/p/jardin"],
        "object": {
            "id": f"{b.origin}/o/forged",
            "type": "Note",
            "attributedTo": f"{b.origin}/u/bea",
            "name": "Faux",
            "content": "<p>faux</p>",
        },
    }
    plain = {"Content-Type": "application/activity+json"}
    unsigned = a.ask("POST", "/p/jardin/inbox", sent=activity, headers=plain)
    assert unsigned.status == 401
    signed = plain | {
        "Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()),
        "Digest": "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "Signature": f'keyId="{b.origin}/u/bea#main-key",algorithm="rsa-sha256",'
        'headers="(request-target) host date digest content-type",signature="AAAA"',
    }
    tampered = a.ask("POST", "/p/jardin/inbox", sent=activity, headers=signed)
    assert tampered.status == 401
    assert set(tampered.json) >= {"title", "status"}
    assert "Traceback" not in tampered.text
    assert a.api("GET", "/spaces/jardin/federation", as_="ada")["log"] == before
    titles = [t["title"] for t in a.api("GET", "/spaces/jardin/discussion/threads", as_="ada")]
    assert "Faux" not in titles


def test_what_is_saved_is_found_on_both_sides_whatever_the_accents(shared):
    a, b, address = shared
    a.api(
        "POST", "/spaces/jardin/discussion/threads", as_="ada",
        sent={"title": "Les Écoles fleuries", "body": "Un concours pour les classes."},
    )  # fmt: skip
    for instance, alias, where in ((a, "ada", "jardin"), (b, "bea", address)):
        found = until(
            lambda i=instance, w=alias, p=where: i.api("GET", f"/search?q=ecole&space={p}", as_=w)[
                "results"
            ],
            f"found on {instance.name}",
        )
        assert found[0]["title"] == "Les Écoles fleuries"
        assert "<mark>" in found[0]["excerpt"] or "<mark>" in found[0]["title_html"]


def test_a_members_only_project_does_not_exist_for_strangers(pair):
    a, b = pair
    given = {"name": "Secret", "slug": "secret", "visibility": "members"}
    a.api("POST", "/spaces", as_="ada", sent=given | {"join_policy": "invitation"})
    a.api(
        "POST", "/spaces/secret/discussion/threads", as_="ada",
        sent={"title": "Entre nous", "body": "zygomatique"},
    )  # fmt: skip
    until(
        lambda: a.api("GET", "/search?q=zygomatique", as_="ada")["total"] == 1, "it is in the index"
    )
    assert a.api("GET", "/search?q=zygomatique", as_="amir")["total"] == 0
    assert a.api("GET", "/search?q=zygomatique")["total"] == 0
    for path in ("/p/secret", "/p/secret/discussion/", "/p/secret/log", "/p/secret/members"):
        hidden, absent = a.get(path), a.get(path.replace("secret", "nothing"))
        assert hidden.status == absent.status, path
    activity = {"Accept": "application/activity+json"}
    assert a.ask("GET", "/p/secret", headers=activity).status == 404
    b.api("GET", f"/spaces/secret@{a.host}", as_="bea", status=404)


def test_nothing_is_left_undone(shared):
    """Last in this file: no dead job, no refused delivery, after everything above."""
    a, b, _address = shared
    for instance in (a, b):
        jobs = json.loads(instance.cli("show", "jobs", "--json"))
        assert [job for job in jobs if job["attempts"]] == []
        sent = json.loads(instance.cli("show", "deliveries", "--json"))
        assert [d for d in sent if d["state"] == "refused"] == []
