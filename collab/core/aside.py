"""Where a slow computation runs, so that it holds up nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Aside(Protocol):
    """Runs a task somewhere and waits for its result; other work of the process goes on."""

    def __call__(self, task: Callable[[], T], /) -> T: ...


def at_once(task: Callable[[], T], /) -> T:
    """Run the task right here: in the worker, in commands, in a server with threads."""
    return task()
