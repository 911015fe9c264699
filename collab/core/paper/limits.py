"""What the process that makes a sheet may use of this machine."""

from __future__ import annotations

import resource

MEMORY = 768 * 1024 * 1024
"""Bytes of address space; a long document takes 150 MB."""
SECONDS = 20
"""Of computing."""


def limit() -> None:
    """Bound memory and time, and let no file be written, until this process ends."""
    for what, most in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
