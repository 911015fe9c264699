"""The golden path as far as the rooms of today go: an association, a school and a third instance.

An association opens a project; the two others are linked to it by a phrase that is read aloud; a
class writes an article in it; the school is away for a while and misses nothing; the article is
withdrawn, and every copy says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http.cookies import SimpleCookie

import pytest
from harness import PASSWORD, Instance, until
from steps import bodies, on_mirror, same_state

CARD = {"name": "Jardin partagé", "slug": "jardin", "join_policy": "request"}
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    place = tmp_path_factory.mktemp("golden")
    a = Instance(place / "a", "Maison des associations").create()
    e = Instance(place / "e", "École de la Butte").create()
    b = Instance(place / "b", "Habitants du quartier").create()
    for home, aliases in ((a, ["ada"]), (e, ["madame-r", "loutre"]), (b, ["bea"])):
        for alias in aliases:
            home.person(alias)
    try:
        yield a.start(), e.start(), b.start()
    finally:
        for home in (a, e, b):
            home.end()


def browser(instance: Instance, alias: str) -> Callable[[str], str]:
    """That person's browser, logged in by the form: from a path to the page."""
    form = instance.get("/login")
    cookie = {"Cookie": _cookie(form.headers)}
    token = TOKEN.search(form.text)
    sent = f"alias={alias}&password={PASSWORD}&csrf_token={token[1] if token else ''}"
    told = {"Content-Type": "application/x-www-form-urlencoded", "Origin": instance.origin}
    entered = instance.ask(
        "POST", "/login", sent=sent.replace(" ", "+").encode(), headers=told | cookie
    )
    assert entered.status == 302, entered.text[:300]
    session = {"Cookie": _cookie(entered.headers)}

    def show(path: str) -> str:
        page = instance.ask("GET", path, headers=session)
        assert page.status == 200, f"{path}: {page.status}"
        return page.text

    return show


def _cookie(headers: dict[str, str]) -> str:
    jar = SimpleCookie(headers.get("set-cookie", ""))
    return "; ".join(f"{name}={morsel.value}" for name, morsel in jar.items())


def linked(one: Instance, other: Instance) -> None:
    """Two administrators link their instances and read each other the six words of their pages."""
    one.cli("peer", "add", other.origin)
    until(lambda: _state(other, one) == "asking", "the request has arrived")
    other.cli("peer", "allow", one.host)
    until(lambda: _state(one, other) == "allowed", "the answer is back")
    heard, read = phrase(one, other), phrase(other, one)
    assert len(heard) == 6
    assert heard == read == one.cli("peer", "phrase", other.host).splitlines()[0].split()
    for here, there in ((one, other), (other, one)):
        here.cli("peer", "verify", there.host, *heard)
        assert "relié, vérifié le" in browser(here, "admin")(f"/admin/peers/{there.host}/phrase")


def phrase(here: Instance, there: Instance) -> list[str]:
    """The words that the page of an administrator shows for another instance."""
    shown = browser(here, "admin")(f"/admin/peers/{there.host}/phrase")
    return re.findall(r"<li><b>([^<]+)</b></li>", shown)


def _state(here: Instance, there: Instance) -> str:
    rows = here.api("GET", "/peers", as_="admin")
    return next((row["state"] for row in rows if row["host"] == there.host), "")


def member(home: Instance, alias: str, a: Instance, address: str) -> None:
    home.api("POST", f"/spaces/{address}/follow", as_=alias)
    home.api("POST", f"/spaces/{address}/join", as_=alias, sent={"note": "Bonjour"})
    asked = until(lambda: a.api("GET", "/spaces/jardin/requests", as_="ada"), "a request to join")
    for one in asked:
        a.api("POST", f"/spaces/jardin/requests/{one['member']}/accept", as_="ada")
    until(
        lambda: home.api("GET", f"/spaces/{address}", as_=alias)["membership"] == "active",
        f"{alias} takes part",
    )


def words_taken_back_at_school(e: Instance, a: Instance, project: str, thread: str) -> None:
    """A pupil writes in the thread, finds where that is, takes it back, sees where it is gone."""
    said = e.api("POST", f"/items/{thread}/messages", as_="loutre", sent={"body": "Oups."})
    show, there = browser(e, "loutre"), f"{project}/discussion/{thread}/"
    way = f'href="{project}/delivery/{said["id"]}">'
    until(lambda: f"{way}Reçu par l’instance du projet" in show(there), "A has it")
    e.api("DELETE", f"/items/{said['id']}", as_="loutre")
    assert f"{way}Où c’est effacé" in show(there)
    receipts = f"{project}/delivery/{said['id']}"
    until(lambda: f"effacé chez {a.host}" in show(receipts), "A has erased it too")


def test_the_golden_path_as_far_as_the_rooms_of_today_go(three):
    a, e, b = three
    a.api("POST", "/spaces", as_="ada", sent=CARD)
    for home in (e, b):
        linked(a, home)
    address = f"jardin@{a.host}"
    member(e, "madame-r", a, address)
    member(e, "loutre", a, address)
    thread = a.api(
        "POST", "/spaces/jardin/discussion/threads", as_="ada",
        sent={"title": "Le récupérateur d’eau", "body": "début"},
    )  # fmt: skip

    # The class writes; a resident follows from a third instance.
    article = a.api(
        "POST", "/spaces/jardin/pages/documents", as_="ada",
        sent={"title": "Le journal de la 6e B", "body": "Nous avons semé.\n"},
    )  # fmt: skip
    of_the_class = on_mirror(e, address, article["iri"], "loutre", "pages/documents")
    e.api(
        "PATCH", f"/items/{of_the_class['id']}", as_="loutre",
        sent={"body": "Nous avons semé des fèves.\n", "base": str(of_the_class["revision"])},
    )  # fmt: skip
    until(
        lambda: "fèves" in a.api("GET", f"/items/{article['id']}", as_="ada")["body"],
        "the class’s words are on A",
    )
    b.api("POST", f"/spaces/{address}/follow", as_="bea")
    read = on_mirror(b, address, article["iri"], "bea", "pages/documents")
    assert "fèves" in read["body"]

    # The school is away, and misses nothing.
    at_school = on_mirror(e, address, thread["iri"], "loutre", "discussion/threads")
    e.stop()
    for number in range(6):
        said = {"body": f"pendant l’absence {number}"}
        a.api("POST", f"/items/{thread['id']}/messages", as_="ada", sent=said)
    e.start()
    until(lambda: len(bodies(e, at_school["id"], "loutre")) == 7, "what was missed is there, once")
    assert bodies(e, at_school["id"], "loutre") == bodies(a, thread["id"], "ada")

    # The article is withdrawn; both copies say that they have done so.
    a.api("DELETE", f"/items/{article['id']}", as_="ada")
    for home, alias, copy in ((e, "loutre", of_the_class), (b, "bea", read)):
        until(
            lambda home=home, alias=alias, copy=copy: home.api(
                "GET", f"/items/{copy['id']}", as_=alias
            )["withdrawn_at"],
            f"it is away from {home.name}",
        )
    receipts = f"/p/jardin/delivery/{article['id']}"
    show = browser(a, "ada")
    until(
        lambda: all(f"effacé chez {home.host}" in show(receipts) for home in (e, b)),
        "both receipts are shown",
    )
    words_taken_back_at_school(e, a, f"/p/{address}", at_school["id"])
    for home, alias in ((e, "loutre"), (b, "bea")):
        until(
            lambda home=home, alias=alias: same_state(a, home, "jardin", address, alias),
            f"{home.name} holds what the host holds",
        )

    # The signed history of the project is good, on A and as each copy has it.
    for home, name in ((a, "jardin"), (e, address), (b, address)):
        home.cli("log", "verify", name)
