"""Weigh every type of page in Chromium and write docs/weight.md (`make weigh`).

The instance, the readers and the scales are those of tests/weight, where the budgets are held.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "weight.md"
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "acceptance")]

from playwright.sync_api import sync_playwright  # noqa: E402 - tests/ is on the path only now
from weight.ground import Ground, ground  # noqa: E402
from weight.leaves import Leaf, leaves  # noqa: E402
from weight.scales import BUDGETS, KB, QUIET, Scales, Weight  # noqa: E402

HEAD = """# What pages weigh

Written by `make weigh`, never by hand: every type of page that links lead to, as each reader has
it (a stranger; a member; a member who looks after the project and the site), weighed in Chromium on
an instance as it is after a busy year. Bytes are those that come over the wire, compressed, with
their headers. *First* is a visit with an empty cache; *next* is another visit of the same page,
when everything but the page itself is in the cache already; a page that has not changed since costs
about {again} bytes. `tests/weight` holds every page to the budgets below, which are those of the
design, and this table to the pages that there are.

EcoIndex is computed from elements, requests and bytes of a first visit, by the quantiles that its
authors publish: more is better, above 80 is grade A.

| Budget | Elements | Requests | First visit | Next visit |
|---|--:|--:|--:|--:|
{budgets}

Scripts: at most 25 KB on any page, all of them optional. Style: at most 15 KB.

## Pages

| Page | Reader | Budget | Elements | Requests | First visit | Next visit | Scripts | EcoIndex |
|---|---|---|--:|--:|--:|--:|--:|--:|
{rows}

## The same pages in the light mode

Chosen on `/affichage`, or asked for by the browser (`Save-Data: on`).

| Page | Reader | Budget | Elements | Requests | First visit | Next visit | Scripts | EcoIndex |
|---|---|---|--:|--:|--:|--:|--:|--:|
{light}
"""
Weighed = list[tuple[Leaf, Weight]]
READERS = {"": "stranger", "bob": "member", "ada": "in charge"}


def main() -> int:
    """Weigh and write. Returns the exit status."""
    with tempfile.TemporaryDirectory() as place, ground(Path(place) / "instance") as there:
        with sync_playwright() as playwright:
            program = shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=program, args=QUIET)
            scales = Scales(browser, there)
            weighed = [(leaf, scales.weigh(leaf)) for leaf in leaves(there)]
            light = [(leaf, scales.weigh(leaf)) for leaf in leaves(there, light=True)]
            again = scales.again(weighed[0][0])
            browser.close()
        TABLE.write_text(table(there, weighed, light, again), encoding="utf-8")
    print(f"{len(weighed)} pages weighed: {TABLE.relative_to(ROOT)}")
    return 0


def table(there: Ground, weighed: Weighed, light: Weighed, again: int) -> str:
    """The whole of docs/weight.md."""
    budgets = "\n".join(
        f"| {name} | {b.elements} | {b.requests} | {kilobytes(b.first)} | {kilobytes(b.next)} |"
        for name, b in BUDGETS.items()
    )
    rows = "\n".join(sorted(row(there, leaf, weight) for leaf, weight in weighed))
    few = "\n".join(sorted(row(there, leaf, weight) for leaf, weight in light))
    return HEAD.format(budgets=budgets, rows=rows, light=few, again=round(again, -1))


def row(there: Ground, leaf: Leaf, weight: Weight) -> str:
    """One line of the table."""
    cells = (
        name(there, leaf),
        READERS[leaf.reader],
        leaf.kind,
        weight.elements,
        weight.requests,
        kilobytes(weight.first),
        kilobytes(weight.next),
        kilobytes(weight.script),
        f"{weight.ecoindex:.0f} {weight.grade}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def name(there: Ground, leaf: Leaf) -> str:
    """A type of page as its address is written."""
    rules = list(there.house.app.url_map.iter_rules())
    found = [rule.rule for rule in rules if rule.endpoint == leaf.endpoint]
    return f"`{min(found, key=len)}`" if found else leaf.endpoint


def kilobytes(size: int) -> str:
    """Bytes as 1.2 KB (of 1024)."""
    return f"{size / KB:.1f} KB" if size else ""


if __name__ == "__main__":
    sys.exit(main())
