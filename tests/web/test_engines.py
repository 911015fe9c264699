"""What search engines are told: what a page is about, where its original is, what to leave out."""

from __future__ import annotations

import re

from flask import render_template
from shell import garden, make_shell

from collab.people.models import Actor

ABOUT = r'<meta name="description" content="([^"]+)">'
ORIGINAL = r'<link rel="canonical" href="([^"]*)">'


def test_every_page_says_in_a_line_what_it_is_about(client, make):
    space = make.space(make.person("ada"))
    for path in ("/about", "/login", space.url, f"{space.url}/pages/"):
        assert re.search(ABOUT, client.get(path).get_data(as_text=True)), path


def test_a_copy_names_its_original(house):
    shell = make_shell()
    far = Actor(iri="https://b.example/p/jardin", name="jardin", host="b.example", local=False)
    for space, original in (
        (garden(), None),
        (garden(host="b.example", local=False, actor=far), f"{far.iri}/pages/semis"),
    ):
        shell.frame["space"] = space
        with shell.test_request_context(f"{space.url}/pages/semis"):
            found = re.search(ORIGINAL, render_template("room.html"))
        assert (found and found[1]) == original


def test_engines_leave_out_the_ways_in_and_the_lists(client):
    answer = client.get("/robots.txt")
    assert answer.mimetype == "text/plain"
    lines = answer.get_data(as_text=True).splitlines()
    assert lines[0] == "User-agent: *"
    assert {"Disallow: /login", "Disallow: /search"} < set(lines)
    assert "Disallow: /" not in lines
