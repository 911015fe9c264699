"""Take every rule of docs/federation.md out of the code once, and see its tests fail.

`tests/federation/taken_out.toml` says where each rule is kept, and which tests must notice. All of
it happens in a copy of the tree: nothing here writes to the tree itself. Words on the command line
choose rules: `make rules ARGS="R9 R10"`. The exit status is 1 when a test stays green without its
rule, or when what is to be taken out is not where the table says.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path("tests/federation/taken_out.toml")
FOLDER = Path("tests/federation")
COPIED = ("collab", "docs", "tests", "tools")
LONGEST = 300
"""Seconds after which a run is given up; that counts as a fault of the table, not as red."""
NOT_SMALLER = """
from hypothesis import Phase, settings

settings.register_profile("seen", phases=(Phase.explicit, Phase.generate))
settings.load_profile("seen")
"""
"""Makes the first example that fails enough: to look for the smallest one takes minutes."""
AT_ONCE = 60
"""Rules whose tests are seen green together, before anything is taken out."""


@dataclass(frozen=True)
class Edit:
    """A text that stands exactly once in a file, and what is put in its place."""

    file: Path
    old: str
    new: str

    def fault(self, root: Path) -> str:
        """Why this cannot be taken out of the tree at `root`; "" when it can."""
        path = root / self.file
        found = path.read_text(encoding="utf-8").count(self.old) if path.is_file() else 0
        if self.old == self.new:
            return f"{self.file}: nothing is changed"
        return "" if found == 1 else f"{self.file}: found {found} times: {self.old!r}"


@dataclass(frozen=True)
class Out:
    """One way to take a rule out; every one of `tests` (file::name) must fail without it."""

    rule: int
    what: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]

    def faults(self, root: Path) -> list[str]:
        """Why this cannot be taken out of the tree at `root`."""
        return [fault for edit in self.edits if (fault := edit.fault(root))]


def read_table(root: Path = ROOT) -> list[Out]:
    """The table, in the order of its rules."""
    told = tomllib.loads((root / TABLE).read_text(encoding="utf-8"))["out"]
    outs = [
        Out(
            one["rule"],
            one["what"],
            tuple(Edit(Path("collab") / file, old, new) for file, old, new in one["edits"]),
            tuple(one["tests"]),
        )
        for one in told
    ]
    return sorted(outs, key=lambda out: out.rule)


def copy_tree(to: Path) -> None:
    """What the tests need, at `to`."""
    ignored = shutil.ignore_patterns("__pycache__", ".hypothesis", "node_modules")
    for name in COPIED:
        shutil.copytree(ROOT / name, to / name, ignore=ignored)
    for file in (path for path in ROOT.iterdir() if path.is_file()):
        shutil.copy2(file, to / file.name)
    with (to / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(NOT_SMALLER)


@contextmanager
def without(root: Path, edits: Iterable[Edit]) -> Iterator[None]:
    """The tree at `root` with these edits made, for a while."""
    before: dict[Path, str] = {}
    try:
        for edit in edits:
            path = root / edit.file
            text = path.read_text(encoding="utf-8")
            before.setdefault(path, text)
            _write(path, text.replace(edit.old, edit.new))
        yield
    finally:
        for path, text in before.items():
            _write(path, text)


def _write(path: Path, text: str) -> None:
    """Write a source, and forget what was compiled of it: its time alone may be too coarse."""
    path.write_text(text, encoding="utf-8")
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def run_tests(root: Path, tests: Iterable[str]) -> tuple[dict[str, str], str]:
    """Which of these tests fail in the tree at `root`, and how; and what went wrong besides."""
    asked = [f"{FOLDER}/{test}" for test in dict.fromkeys(tests)]
    words = ["-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", *asked]
    env = os.environ | {"PYTHONPATH": str(root), "COLUMNS": "400"}
    try:
        done = subprocess.run(
            [sys.executable, *words], cwd=root, env=env, capture_output=True, text=True,
            timeout=LONGEST,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {}, f"no end after {LONGEST} s"
    found = re.findall(rf"^FAILED {FOLDER}/([\w.]+::\w+)\S*(.*)$", done.stdout, re.MULTILINE)
    failed = {name: how.removeprefix(" - ") for name, how in reversed(found)}
    usual = done.returncode in (0, 1) and "\nERROR" not in done.stdout
    return failed, "" if usual else (done.stdout + done.stderr)[-1500:]


def see_red(root: Path, out: Out) -> str:
    """Take one rule out of the copy at `root`. What is wrong about its tests; "" when all fail."""
    if faults := out.faults(root):
        return "\n".join(faults)
    with without(root, out.edits):
        failed, odd = run_tests(root, out.tests)
    green = [test for test in out.tests if test not in failed]
    return odd or "\n".join(f"still green: {test}" for test in green)


def chosen_of(outs: Sequence[Out], words: Sequence[str]) -> list[Out]:
    """The outs of the rules that are named ("R9", "9"); all of them when none is."""
    numbers = {int(word.removeprefix("R")) for word in words}
    return [out for out in outs if not numbers or out.rule in numbers]


def main(words: Sequence[str]) -> int:
    """Take out what is chosen, one after the other. Returns the exit status."""
    outs = chosen_of(read_table(), words)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="without-rules-") as place:
        root = Path(place)
        copy_tree(root)
        for start in range(0, len(outs), AT_ONCE):
            part = outs[start : start + AT_ONCE]
            failed, odd = run_tests(root, [test for out in part for test in out.tests])
            if failed or odd:
                print(f"With every rule in its place these fail: {failed} {odd}")
                return 1
        for out in outs:
            fault = see_red(root, out)
            print(f"R{out.rule:<3} {'red' if not fault else 'NOT RED'}  {out.what}", flush=True)
            if fault:
                wrong += 1
                print(fault, flush=True)
    print(f"{len(outs) - wrong} of {len(outs)} seen red")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
