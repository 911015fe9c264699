"""The demonstration, before it makes anything."""

from __future__ import annotations

import socket

import pytest
from click.testing import CliRunner

from collab.cli.demo import demo
from collab.demo.stage import Stage, Stuck
from collab.demo.story import HOUSES


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
