"""Measure the main pages with Lighthouse: slow 3G, a slow processor (`make lighthouse`).

Prints a table and what costs points; the exit status says whether every score is 98 or more and
the first content is there within two seconds. The network and the processor are simulated from one
load of the page (Lighthouse's default way), 400 ms there and back, 400 kbit/s, four times slower;
two times there and back of the first two seconds are spent on asking for the name.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "lighthouse"
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "acceptance")]

from npm import NODE, installed  # noqa: E402 - tests/ is on the path only now
from weight.ground import Ground, ground  # noqa: E402

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
ENOUGH, FIRST = 98, 2.0
"""The least score, and the most seconds until the first content."""
TIMES = 5
"""How often a page is measured until it is good enough: other work on the machine slows it."""
HIDDEN = ("search", "login")
"""Pages that search engines are told to leave out, on purpose."""
PAGES = (
    ("home", "/", ""),
    ("project", "/p/jardin", ""),
    ("thread", "/p/jardin/discussion/{thread}/", ""),
    ("document", "/p/jardin/pages/{document}", ""),
    ("search", "/search?q=cuve", ""),
    ("login", "/login", ""),
    ("about", "/about", ""),
    ("home of a member", "/", "bob"),
    ("thread of a member", "/p/jardin/discussion/{thread}/", "bob"),
)


def main(categories: tuple[str, ...] = CATEGORIES) -> int:
    """Measure every page of PAGES. Returns the exit status."""
    with tempfile.TemporaryDirectory() as place, ground(Path(place) / "instance") as there:
        told = list(measured(there, categories))
    print(f"{'page':20} " + " ".join(f"{name[:13]:>13}" for name in categories) + "   FCP    LCP")
    for page in told:
        scores = " ".join(f"{page['scores'][name]:13}" for name in categories)
        print(f"{page['name']:20} {scores} {page['fcp']:4.1f} s {page['lcp']:4.1f} s")
    for page in told:
        for words in filter(None, [*page["wrong"], page["error"]]):
            print(f"{page['name']}: {words}")
    good = all(min(one["scores"].values()) >= ENOUGH and one["fcp"] < FIRST for one in told)
    return 0 if good else 1


def measured(there: Ground, categories: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """What Lighthouse says of each page: `scores`, `wrong`, `fcp` and `lcp` in seconds."""
    installed(FOLDER)
    thread, document = (part.strip("/").rpartition("/")[2] for part in there.seeds[:2])
    pages = []
    for name, path, reader in PAGES:
        headers = dict([there.cookies[reader].split(": ", 1)]) if reader else {}
        url = there.url + path.format(thread=thread, document=document)
        pages.append({"name": name, "url": url, "headers": headers})
        pages[-1]["skip"] = ["is-crawlable"] if name in HIDDEN else []
    given = {"chrome": shutil.which("chromium"), "pages": pages, "categories": categories}
    given |= {"times": TIMES, "enough": ENOUGH}
    done = subprocess.run(
        [str(NODE / "bin" / "node"), str(FOLDER / "run.mjs")],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    yield from map(json.loads, done.stdout.splitlines())


if __name__ == "__main__":
    sys.exit(main())
