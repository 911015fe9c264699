"""Import a folder of real Markdown into a space of A, search it, and compare B's mirror with A.

`python tools/real_content.py FOLDER` starts two instances on loopback, prints the figures, and
stops them. It needs the development requirements.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "acceptance"))

from harness import Instance, until  # noqa: E402 - the tests' own way to run instances
from steps import open_shared, same_state  # noqa: E402

QUERIES = (
    "budget participatif", "forum ouvert", "ecole", "décision par consentement",
    '"world café"', "jardin", "théâtre", "cartographie", "energizer", "élection sans candidat",
)  # fmt: skip


def main(folder: Path) -> int:
    """Start both, measure, stop both."""
    with tempfile.TemporaryDirectory() as place:
        a = Instance(Path(place) / "a", "A").create()
        b = Instance(Path(place) / "b", "B").create()
        a.person("ada")
        b.person("bea")
        try:
            a.start()
            b.start()
            return measure(a, b, folder)
        finally:
            a.end()
            b.end()


def measure(a: Instance, b: Instance, folder: Path) -> int:
    """Print the figures; 1 when a query finds nothing or the digests differ."""
    address = open_shared(a, b, "methodes")
    started = time.monotonic()
    told = a.cli("import", "markdown", str(folder), "--space", "methodes", "--as", "ada")
    print(told.splitlines()[-1])
    print(f"import: {time.monotonic() - started:.1f} s")
    count = len(_documents(a, "methodes", "ada"))
    until(lambda: len(_documents(b, address, "bea")) == count, "every document is on B", 300)
    until(lambda: same_state(a, b, "methodes", address), "the digests are equal", 120)
    print(f"on B after {time.monotonic() - started:.1f} s: {count} documents")
    here = a.api("GET", "/spaces/methodes/federation", as_="ada")
    there = b.api("GET", f"/spaces/{address}/federation", as_="bea")
    print(f"state digest on A {here['state_digest']}")
    print(f"state digest on B {there['state_digest']}")
    time.sleep(2)  # what is saved is findable within that
    missing = 0
    for words in QUERIES:
        row = []
        for instance, where, alias in ((a, "methodes", "ada"), (b, address, "bea")):
            asked = time.monotonic()
            path = f"/search?q={quote(words)}&space={quote(where)}"
            found = instance.api("GET", path, as_=alias)
            took = (time.monotonic() - asked) * 1000
            first = found["results"][0]["title"] if found["results"] else "-"
            row.append(f"{found['total']:3d} in {took:4.0f} ms: {first[:40]}")
            missing += not found["results"]
        print(f"{words:28s} A {row[0]:60s} B {row[1]}")
    again = a.cli("import", "markdown", str(folder), "--space", "methodes", "--as", "ada")
    print(again.splitlines()[-1])
    return 1 if missing or here["state_digest"] != there["state_digest"] else 0


def _documents(instance: Instance, where: str, alias: str) -> list[object]:
    rows: list[object] = []
    path = f"/api/v1/spaces/{where}/pages/documents?limit=200"
    while path:
        answer = instance.ask("GET", path, as_=alias)
        rows += json.loads(answer.body)
        link = answer.headers.get("link", "")
        path = link.partition(">")[0].removeprefix(f"<{instance.origin}") if link else ""
    return rows


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
