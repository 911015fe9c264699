"""The process that makes one sheet: what to make on standard input, what was made on the output.

The limits are set before anything that people wrote is read.
"""

from __future__ import annotations

import json
import sys

from collab.core.paper.limits import limit
from collab.core.paper.making import make


def main() -> None:
    """Read the order, make it, write one line about it and then the bytes."""
    limit()
    order = json.load(sys.stdin.buffer)
    body, accessible = make(order["kind"], order["form"], order["data"])
    sys.stdout.buffer.write(json.dumps({"accessible": accessible}).encode() + b"\n" + body)


main()
