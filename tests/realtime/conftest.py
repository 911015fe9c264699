from __future__ import annotations

from collections.abc import Iterator

import pytest
from realtime.live import LiveHouse


@pytest.fixture
def live(house) -> Iterator[LiveHouse]:
    with LiveHouse(house) as served:
        yield served
