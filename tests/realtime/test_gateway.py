"""The socket door: who may call, what they may ask, and what a mistake answers."""

from __future__ import annotations

import json

import pytest
from realtime.loopback import Socket

pytest_plugins = ("realtime.fixtures",)

NONSENSE = [None, 1, "jardin", [], {}, {"space": None}, {"space": 7}, {"space": ""},
            {"space": "x" * 401}, {"space": "a\nb"}, {"space": ["jardin"]}]  # fmt: skip


@pytest.mark.parametrize("event", ["join", "leave", "do", "typing"])
def test_nonsense_is_answered_with_a_problem_and_the_connection_stays(live, make, event, caplog):
    make.space(make.person("loutre"))
    with live.socket(make.person("mesange")) as page:
        for nonsense in NONSENSE:
            answer = page.ask(event, nonsense)
            assert answer["code"] in {"problem", "missing"}, (nonsense, answer)
            assert answer["title"]
        assert page.ask(event)["code"] == "problem"
        assert page.ask(event, {}, {})["code"] == "problem"
        for after in ("1", 1.5, True, [1], {}):
            answer = page.ask("join", {"space": "jardin", "after": after})
            assert answer["code"] == "problem"
        assert "seq" in page.ask("join", {"space": "jardin"})
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


def test_unknown_events_and_false_ends_are_ignored(live, make):
    loutre = make.person("loutre")
    make.space(loutre)
    with live.socket(loutre) as page, live.socket(loutre) as other:
        page.ask("join", {"space": "jardin"})
        for event in ("connect", "disconnect", "error", "emit", "_join", "trigger_event", 5, None):
            page.emit(event, {"wsgi.input": 1})
        assert page.ask("leave", {"space": "jardin"}) == {}, "its place was forgotten"
        other.ask("join", {"space": "jardin"})
        live.happen(loutre, make.space(loutre, slug="ecole"))
        assert live.call(lambda: len(live.live.gateway.callers)) == 2


def test_a_false_token_is_refused(live, make):
    loutre = make.person("loutre")
    for auth in ({"token": "collab_x"}, {"token": 5}, {"token": "x" * 100_000}, {"token": ""}):
        with live.socket(auth=auth) as script:
            assert script.welcome.startswith("44")
            assert json.loads(script.welcome[2:])["message"] == "unauthenticated"
    with live.socket(auth={"token": live.token(loutre, "read")}) as script:
        assert script.welcome.startswith("40")


def test_a_jsonp_poll_is_refused(live):
    with Socket(live.port, query="&j=0") as script:
        assert script.welcome.startswith("44")


def test_acting_needs_an_account_and_a_token_that_writes(live, make):
    loutre = make.person("loutre")
    make.space(loutre)
    wanted = {"space": "jardin", "tool": "nowhere", "action": "nothing", "data": {}}
    with live.socket() as stranger:
        assert stranger.ask("do", wanted)["code"] == "unauthenticated"
        assert stranger.ask("typing", {"item": "x"})["code"] == "unauthenticated"
    with live.socket(auth={"token": live.token(loutre, "read")}) as reader:
        assert reader.ask("do", wanted)["code"] == "forbidden"
    with live.socket(auth={"token": live.token(loutre, "write")}) as writer:
        assert writer.ask("do", wanted)["code"] == "missing"
        assert writer.ask("do", wanted | {"data": [1]})["code"] == "problem"


def act(page, action, **given):
    wanted = {"space": "jardin", "tool": "discussion", "action": action, "data": given}
    return page.ask("do", wanted)


def test_what_is_done_by_a_socket_is_told_to_everybody(live, make):
    loutre, mesange = make.person("loutre"), make.person("mesange")
    make.space(loutre, mesange)
    with live.socket(loutre) as page, live.socket() as stranger:
        page.ask("join", {"space": "jardin"})
        stranger.ask("join", {"space": "jardin"})
        thread = act(page, "open", title="Une cuve", body="Où la mettre ?")["item"]
        for reader in (page, stranger):
            told = reader.event("happened")[1]
            assert (told["name"], told["item"]) == ("item.published", thread)
            assert (told["kind"], told["within"]) == ("thread", None)
            assert told["url"] == f"/p/jardin/discussion/{thread}/"
        with live.socket(auth={"token": live.token(mesange, "write")}) as script:
            message = act(script, "post", thread=thread, body="Sous la gouttière.")["item"]
            assert act(script, "post", thread=thread, body=" ")["code"] == "invalid"
        told = stranger.event("happened")[1]
        assert (told["item"], told["within"]) == (message, thread)
        assert (told["by"], told["kind"]) == ("mesange@here.example", "message")
        assert stranger.nothing("happened")


def test_a_stranger_to_the_space_cannot_act_in_it(live, make):
    make.space(make.person("loutre"))
    with live.socket(make.person("heron")) as page:
        page.ask("join", {"space": "jardin"})
        answer = act(page, "open", title="Une cuve", body="Où ?")
        assert answer["code"] == "forbidden"
        assert page.nothing("happened")


def test_who_writes_is_shown_to_the_other_members_and_never_stored(live, make):
    loutre, mesange, heron = (make.person(name) for name in ("loutre", "mesange", "heron"))
    make.space(loutre, mesange)
    with live.socket(loutre) as one, live.socket(mesange) as two, live.socket(heron) as reader:
        for page in (one, two, reader):
            page.ask("join", {"space": "jardin"})
        thread = act(one, "open", title="Une cuve", body="Où la mettre ?")["item"]
        seq = two.event("happened")[1]["seq"]
        assert one.ask("typing", {"item": thread}) == {}
        told = {"space": "jardin", "item": thread, "by": "loutre@here.example", "label": "loutre"}
        assert two.event("typing")[1] == told
        assert reader.ask("typing", {"item": thread})["code"] == "forbidden"
        assert reader.nothing("typing")
        assert one.nothing("typing", 0.05)
        answers = [one.ask("typing", {"item": thread}).get("code") for _ in range(6)]
        assert answers[-1] == "too_many"
        assert two.ask("join", {"space": "jardin"}) == {"seq": seq}


def test_typing_in_a_space_that_is_not_open_here_is_refused(live, make):
    loutre = make.person("loutre")
    make.space(loutre)
    with live.socket(loutre) as page:
        thread = act(page, "open", title="Une cuve", body="Où la mettre ?")["item"]
        assert page.ask("typing", {"item": thread})["code"] == "forbidden"
        assert page.ask("typing", {"item": "01" * 13})["code"] == "missing"


def test_asking_without_end_is_slowed_down(live, make):
    with live.socket(make.person("loutre")) as page:
        # What asks least of the machine, so that a slow one is asked too often as well.
        answers = [page.ask("leave", "nowhere")["code"] for _ in range(80)]
    assert answers[0] != "too_many"
    assert "too_many" in answers


def test_leaving_a_room_ends_what_is_told(live, make):
    loutre = make.person("loutre")
    jardin = make.space(loutre)
    with live.socket(loutre) as page:
        page.ask("join", {"space": "jardin@here.example"})
        assert page.ask("leave", {"space": "JARDIN@here.example"}) == {}
        assert page.ask("leave", {"space": "jardin"})["code"] == "missing"
        live.happen(loutre, jardin)
        assert page.nothing("happened")


def test_members_see_who_is_there_and_strangers_only_how_many(live, make):
    loutre, mesange = make.person("loutre"), make.person("mesange")
    make.space(loutre, mesange)
    with live.socket(loutre) as one, live.socket() as stranger:
        one.ask("join", {"space": "jardin"})
        stranger.ask("join", {"space": "jardin"})
        with live.socket(mesange) as two, live.socket(mesange) as again:
            two.ask("join", {"space": "jardin"})
            again.ask("join", {"space": "jardin"})
            here = [{"by": f"{n}@here.example", "label": n} for n in ("loutre", "mesange")]
            whole = {"space": "jardin", "count": 2, "readers": 1}
            assert until(one, count=2) == whole | {"people": here}
            assert until(stranger, count=2) == whole | {"people": []}
        assert until(one, count=1)["people"] == here[:1]
        assert until(stranger, count=1)["people"] == []


def until(page, **wanted):
    """The first presence that says so."""
    while True:
        told = page.event("presence")[1]
        if wanted.items() <= told.items():
            return told


def test_a_reader_of_a_public_space_is_counted_without_a_name(live, make):
    loutre, heron = make.person("loutre"), make.person("heron")
    make.space(loutre)
    with live.socket(loutre) as one, live.socket(heron) as reader:
        one.ask("join", {"space": "jardin"})
        reader.ask("join", {"space": "jardin"})
        told = until(one, readers=1)
        assert [p["label"] for p in told["people"]] == ["loutre"]


def test_only_so_many_spaces_on_one_connection(live, make):
    loutre = make.person("loutre")
    for n in range(21):
        make.space(loutre, slug=f"projet-{n}")
    with live.socket(loutre) as page:
        answers = [page.ask("join", {"space": f"projet-{n}"}) for n in range(21)]
        assert all("seq" in answer for answer in answers[:20])
        assert answers[20]["code"] == "too_many"
        assert "seq" in page.ask("join", {"space": "projet-3"})
