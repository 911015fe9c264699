"""A plugin, not a conftest.py: there is one module of that name, at the top of tests/."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from realtime.live import LiveHouse


@pytest.fixture
def live(house) -> Iterator[LiveHouse]:
    with LiveHouse(house) as served:
        yield served
