"""What texts, names and links from elsewhere may bring with them, and odd but honest shapes."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from federation.captured import read
from federation.stage import Person, actor, federation, foreign, house, rsa_key, sent

from collab.federation.keys import SigningKey, public_pem
from collab.spaces.membership import follow
from collab.spaces.models import Follow, Item, JoinPolicy
from collab.spaces.tools.discussion.elsewhere import html_of, is_said
from collab.web.extensions import db

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>"
    '<a href="javascript:alert(1)">x</a><iframe src="https://evil.example"></iframe>'
    '<p style="position:fixed" onclick="alert(1)">Bonjour</p>'
)


class Tags(HTMLParser):
    """Every tag and attribute that could run or load something."""

    def __init__(self) -> None:
        super().__init__()
        self.evil: list[str] = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            runs = name.startswith("on") or name == "style"
            if runs or (value or "").strip().lower().startswith("javascript:"):
                self.evil.append(f"{tag} {name}={value}")
        source, kind = dict(attrs).get("src"), dict(attrs).get("type")
        ours = (source or dict(attrs).get("data-src") or "").startswith("/static/")
        runs = tag == "script" and not ours and kind != "application/json"
        if tag in ("iframe", "object") or (tag, source) == ("img", "x") or runs:
            self.evil.append(tag)
        if tag == "svg" and ("onload", "alert(1)") in attrs:
            self.evil.append(tag)


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def garden(make, ines):
    space = make.space(ines)
    space.join_policy = JoinPolicy.OPEN
    db.session.commit()
    return space


@pytest.fixture
def lea(foreign):
    return foreign.person("lea", "Person", name=f"Léa {HOSTILE}", summary=HOSTILE)


def only_item() -> Item:
    db.session.rollback()
    return db.session.query(Item).one()


def test_r39_nothing_that_runs_comes_in_by_any_part_of_a_text(foreign, house, garden, lea):
    note = foreign.note(
        lea, garden, type="Question", name=f"Cuve {HOSTILE}", content=HOSTILE,
        summary=HOSTILE, sensitive=True, oneOf=[{"type": "Note", "name": HOSTILE}],
        attachment=[
            {"type": "Document", "name": HOSTILE, "url": f"{lea.origin}/image.png"},
            {"type": "Link", "href": "javascript:alert(1)"},
        ],
        source={"content": HOSTILE, "mediaType": "text/markdown"},
        tag=[{"type": "Mention", "href": "javascript:alert(1)", "name": HOSTILE}],
    )  # fmt: skip
    assert foreign.say(lea, "Create", note).status_code == 202
    item = only_item()
    page = house.client().get(f"/p/jardin/discussion/{item.uid}/").get_data(as_text=True)
    for part in (item.html, page.partition("<main")[2].partition("</main>")[0]):
        found = Tags()
        found.feed(part)
        assert "Bonjour" in part
        assert not found.evil


def test_r38_a_text_too_long_to_be_read_is_refused(foreign, garden, lea):
    note = foreign.note(lea, garden, content="<p>" + "a" * 400_000 + "</p>")
    assert foreign.say(lea, "Create", note).status_code == 422
    assert db.session.query(Item).count() == 0


def test_r38_names_are_cut_and_attachments_counted(foreign, garden, lea):
    note = foreign.note(lea, garden, name="n" * 5000)
    assert foreign.say(lea, "Create", note).status_code == 202
    assert len(only_item().title) == 200
    many = [{"type": "Link", "href": f"{lea.origin}/{n}"} for n in range(33)]
    crowded = foreign.note(lea, garden, attachment=many)
    assert foreign.say(lea, "Create", crowded).status_code == 400


def test_r61_a_link_to_what_is_attached_says_its_host(foreign, garden, lea):
    told = {"type": "Document", "name": "ma-banque.example", "url": "https://evil.example/x"}
    note = foreign.note(lea, garden, attachment=told)
    foreign.say(lea, "Create", note)
    assert ">ma-banque.example (evil.example)</a>" in only_item().html


def test_a_link_to_what_is_attached_says_its_weight_where_that_is_told(foreign, garden, lea):
    told = [
        {"type": "Image", "name": "Plan", "url": "https://b.example/plan", "size": size}
        for size in (240_300, 12_340_000, 0, -5, True, "240", None)
    ]
    foreign.say(lea, "Create", foreign.note(lea, garden, attachment=told))
    html = only_item().html.replace("&nbsp;", " ")
    assert ">Plan (b.example, 240 ko)</a>" in html
    assert ">Plan (b.example, 12,3 Mo)</a>" in html
    assert html.count(">Plan (b.example)</a>") == 5


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("piefed-get-page", "<strong>world</strong>"),
        ("piefed-get-note", "from piefed"),
        ("takahe-get-post0", "a red box (takahe.test)"),
        ("takahe-get-post2", "<li>two</li>"),
        ("takahe-get-post3", "<strong>warning</strong>"),
        ("nodebb-post-article", "Edited topic body"),
    ],
)
def test_documents_of_every_software_are_read_as_something_said(name, holds):
    document = read(name).body
    assert is_said(document)
    assert holds in html_of(document)


# Honest, but odd: trait 8 of the recorded software


@pytest.fixture
def robot(foreign) -> Person:
    """A Service whose key is a document of its own that points back to it."""
    iri, key_id = foreign.peer.url("/u/robot"), foreign.peer.url("/keys/robot")
    rsa = SigningKey(key_id, "rsa", rsa_key("robot"))
    key = {"id": key_id, "owner": iri, "publicKeyPem": public_pem(rsa.key.public_key())}
    document = {
        "id": iri, "type": "Service", "preferredUsername": "robot", "inbox": f"{iri}/inbox",
        "publicKey": key | {"type": "Key"}, "url": {"type": "Link", "href": "https://x.example/"},
    }  # fmt: skip
    foreign.peer.serve("/u/robot", document)
    foreign.peer.serve("/keys/robot", key)
    return Person(iri, rsa, rsa, document)


def test_a_key_of_its_own_single_values_and_as_public_are_understood(foreign, garden, robot):
    note = foreign.note(robot, garden, to="as:Public", cc=garden.iri, tag={"type": "Hashtag"})
    assert foreign.say(robot, "Create", note, to="as:Public", cc=garden.iri).status_code == 202
    assert only_item().author.iri == robot.iri
    db.session.rollback()
    assert actor(robot.iri).url == robot.iri


def test_a_follower_added_to_a_collection_changes_nothing(foreign, garden, robot):
    told = foreign.activity(robot, "Add", garden.iri, target=f"{robot.iri}/followers")
    assert foreign.post(robot, told).status_code == 202
    assert db.session.query(Follow).count() == 0


@pytest.fixture
def followed(house, federation, foreign, ines):
    """A group of elsewhere that Inès has asked to follow, and the Follow's id."""
    group = foreign.person("verger", "Group")
    space = federation.space_card(group.iri)
    with house.as_(ines) as work:
        iri = follow(work, work.session.get_one(type(space), space.id)).iri
    return group, iri


@pytest.mark.parametrize("form", ["bare", "nodebb", "piefed"])
def test_every_form_of_a_yes_is_understood(foreign, ines, followed, form):
    group, iri = followed
    asked = {
        "bare": iri,
        "nodebb": {"id": iri, "type": "Follow", "actor": ines.iri, "object": group.iri},
        "piefed": {"id": iri, "type": "Follow", "actor": ines.iri, "to": None},
    }[form]
    assert foreign.say(group, "Accept", asked).status_code == 202
    assert db.session.query(Follow).one().accepted_at is not None


def test_a_no_ends_the_following(foreign, followed):
    group, iri = followed
    assert foreign.say(group, "Reject", iri).status_code == 202
    assert db.session.query(Follow).count() == 0


def test_r08_nobody_else_of_that_host_says_yes(foreign, followed, lea):
    _, iri = followed
    assert foreign.say(lea, "Accept", iri).status_code == 202
    assert db.session.query(Follow).one().accepted_at is None


@pytest.mark.parametrize("odd", [["Note"], {"a": 1}, 7, None])
def test_what_has_no_single_type_is_nothing_said(foreign, garden, lea, odd):
    note = foreign.note(lea, garden, type=odd)
    assert not is_said(note)
    assert foreign.say(lea, "Create", note).status_code == 404
    group = foreign.person("verger", "Group")
    assert foreign.say(group, "Announce", note).status_code == 202
    assert db.session.query(Item).count() == 0
