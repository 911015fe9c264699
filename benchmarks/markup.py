"""How long Markdown takes: an ordinary post, a long page, and texts made to be slow.

    python -m benchmarks.markup

Each figure is the least of several runs, in milliseconds of CPU; the last column says by how much
the time grows when the text is four times as long (4 is linear, 16 quadratic).
"""

from __future__ import annotations

import time

from collab.core.markup import render, sanitise_remote

POST = """Bonjour @ada, voici le **compte rendu** de *samedi* :

- les [outils](https://a.example/outils) sont rangés
- il manque `2` pelles, voir [[Inventaire]]

> Qui vient dimanche ?

| jour | qui |
|------|-----|
| dimanche | Inès et Paul |
"""
HOSTILE = [
    "[", "![", "[a](", "[a][", "|a", "> ", "- ", "*a ", "**", "_a ", "`a", "<a ", "# a\n", "a\n-\n",
    "- a\n", "a|b\n-|-\n", "[a](b) ", "\\[", "&a;", "https://a.b ", "[[a]]",
]  # fmt: skip
SIZE = 5_000


def cpu(text: str, runs: int = 3) -> float:
    """Milliseconds of CPU for one rendering."""
    best = float("inf")
    for _ in range(runs):
        begun = time.process_time()
        render(text, links=str, mentions=str, breaks=True)
        best = min(best, time.process_time() - begun)
    return best * 1e3


def main() -> None:
    """Measure and print."""
    print(f"{'ordinary post, ' + str(len(POST)) + ' characters':40} {cpu(POST, 20):8.2f} ms")
    page = POST * (20_000 // len(POST))
    print(f"{'the same, 20 kB':40} {cpu(page):8.2f} ms")
    begun = time.process_time()
    sanitise_remote(render(page))
    print(f"{'and cleaned as remote HTML':40} {(time.process_time() - begun) * 1e3:8.2f} ms")
    for unit in HOSTILE:
        short = cpu(unit * (SIZE // len(unit)))
        long = cpu(unit * (4 * SIZE // len(unit)), 1)
        print(f"{unit!r:20} 5 kB {short:10.2f} ms   20 kB {long:10.2f} ms   x{long / short:5.1f}")


if __name__ == "__main__":
    main()
