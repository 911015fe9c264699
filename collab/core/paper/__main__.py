"""The process that makes one sheet: what to make on standard input, what was made on the output.

The limits are set before anything that people wrote is read.
"""

from __future__ import annotations

import json
import resource
import sys

from collab.core.paper.making import make

MEMORY = 768 * 1024 * 1024
"""Bytes of address space; a long document takes 150 MB."""
SECONDS = 20
"""Of computing."""


def main() -> None:
    """Read the order, make it, write one line about it and then the bytes."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    order = json.load(sys.stdin.buffer)
    body, accessible = make(order["kind"], order["form"], order["data"])
    sys.stdout.buffer.write(json.dumps({"accessible": accessible}).encode() + b"\n" + body)


main()
