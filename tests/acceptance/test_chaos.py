"""A short run of what `make chaos` does for long."""

from __future__ import annotations

from chaos import run


def test_whatever_fails_every_accepted_write_is_everywhere_once(tmp_path):
    assert run(tmp_path, seed=20, acts=40, pause=0.2, every=4.0) == []
