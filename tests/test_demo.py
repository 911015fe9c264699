"""The demonstration, before it makes anything."""

from __future__ import annotations

import socket
import sqlite3
from dataclasses import replace

import pytest
from click.testing import CliRunner

from collab.cli import cli
from collab.cli.demo import demo
from collab.core.falc import check
from collab.demo.stage import PASSWORD, Stage, Stuck
from collab.demo.story import EASY, HOUSES, SHEETS, TALKS


def test_a_demonstration_whose_ports_are_taken_says_which_before_it_makes_anything(tmp_path):
    folder = tmp_path / "demo"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(demo, ["--folder", str(folder), "--port", str(port - 1)])
    assert done.exit_code == 1
    assert f"port {port} is not free" in done.output or f"port {port - 1} is" in done.output
    assert "--port" in done.output
    assert not folder.exists()


def test_an_instance_that_answers_no_more_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    stage = Stage(HOUSES[0], tmp_path / "asso", port)
    stage._tokens["ada"] = "x"
    with pytest.raises(Stuck, match=HOUSES[0].name):
        stage.api("ada", "GET", "/spaces")


def test_an_instance_of_the_demonstration_names_somebody_to_talk_to(tmp_path):
    stage = Stage(HOUSES[0], tmp_path / "asso", 8101)
    told = ["--instance", str(stage.folder), *stage.first_words()]
    assert CliRunner().invoke(cli, told, input=PASSWORD).exit_code == 0
    with sqlite3.connect(stage.folder / "collab.sqlite") as rows:
        found = rows.execute("SELECT name, tagline, contact FROM site").fetchone()
    assert found == (HOUSES[0].name, HOUSES[0].tagline, HOUSES[0].contact)
    assert all(house.contact for house in HOUSES)


def test_a_command_beside_the_demonstration_takes_its_instances_for_hosts(tmp_path):
    stage = Stage(HOUSES[0], tmp_path / "asso", 8101)
    told = ["--instance", str(stage.folder), *stage.first_words()]
    assert CliRunner().invoke(cli, told, input=PASSWORD).exit_code == 0
    asked = ["--instance", str(stage.folder), "peer", "phrase", "127.0.0.1:8102"]
    assert "is not the name of a host" in CliRunner().invoke(cli, asked).output
    for _ in range(2):
        stage.stay_on_this_machine()
    assert "Nous ne connaissons pas cette instance" in CliRunner().invoke(cli, asked).output


def test_what_an_instance_says_of_itself_is_not_longer_than_its_pages_take(tmp_path):
    house = replace(HOUSES[0], tagline="v" * 121)
    told = ["--instance", str(tmp_path / "asso"), *Stage(house, tmp_path, 8101).first_words()]
    done = CliRunner().invoke(cli, told, input=PASSWORD)
    assert done.exit_code == 1
    assert "tagline" in done.output
    assert not (tmp_path / "asso").exists()


def test_the_easy_versions_of_the_demonstration_are_easy_and_of_something_there():
    titles = {"", *(sheet.title for sheet in SHEETS), *(talk.title for talk in TALKS)}
    assert {easy.of for easy in EASY} <= titles
    assert {easy.said.house for easy in EASY} == {"asso", "ecole"}
    found = {easy.of: check(easy.said.words) for easy in EASY}
    assert {of: told for of, told in found.items() if told} == {}
