"""What the worker does now and then."""

from __future__ import annotations

import pytest

from collab.core.service import seldom


def test_what_is_done_seldom_is_done_once_however_often_it_is_woken():
    amounts = iter([4, 5, 6])
    step = seldom(lambda: next(amounts), 3600.0)
    assert [step(), step(), step()] == [4, 0, 0]
    assert next(amounts) == 5


def test_what_is_done_seldom_is_tried_again_when_it_failed():
    outcomes = iter([OSError("disk full"), 3])

    def sweep() -> int:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    step = seldom(sweep, 3600.0)
    with pytest.raises(OSError, match="disk full"):
        step()
    assert [step(), step()] == [3, 0]
