"""Two instances that live as long as the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Instance


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Iterator[tuple[Instance, Instance]]:
    """An association (A) with ada and amir, a school (B) with bea and bob; both running."""
    place = tmp_path_factory.mktemp("pair")
    a = Instance(place / "a", "Maison des associations").create()
    b = Instance(place / "b", "École de la Butte").create()
    for alias in ("ada", "amir"):
        a.person(alias)
    for alias in ("bea", "bob"):
        b.person(alias)
    try:
        yield a.start(), b.start()
    finally:
        a.end()
        b.end()
