"""The demonstration, before it makes anything."""

from __future__ import annotations

import socket

from click.testing import CliRunner

from collab.cli.demo import demo


def test_a_demonstration_whose_ports_are_taken_says_which_before_it_makes_anything(tmp_path):
    folder = tmp_path / "demo"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(demo, ["--folder", str(folder), "--port", str(port - 1)])
    assert done.exit_code == 1
    assert f"port {port} is not free" in done.output or f"port {port - 1} is" in done.output
    assert "--port" in done.output
    assert not folder.exists()
