"""The shape of the house, checked. Read LAYERS from the bottom: each may import what is below."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [
    ["collab.__main__"],
    ["collab.cli"],
    ["collab.setup"],
    ["collab.app"],
    ["collab.demo", "collab.instance", "collab.migrations", "collab.supervise"],
    ["collab.migrate"],
    ["collab.pages", "collab.api", "collab.realtime", "collab.federation", "collab.search"],
    ["collab.spaces.tools"],
    ["collab.web", "collab.federation.vocab"],
    ["collab.spaces"],
    ["collab.people"],
    ["collab.core", "collab.config", "collab.listening"],
    ["collab.toml"],
]
FLASK = ("flask", "flask_babel", "flask_socketio", "flask_sqlalchemy", "flask_wtf", "werkzeug")
FLASK_ALLOWED = (
    "collab.app",
    "collab.cli",
    "collab.setup",
    "collab.web",
    "collab.pages",
    "collab.api",
    "collab.realtime",
    "collab.federation.desk",
    "collab.federation.standing",
    "collab.federation.wiring",
)
DOORS = (".views", ".tool", "routes")
"""Modules so called answer requests: a room's, and those of federation."""
ROLES = {
    "models": 1,
    "inputs": 2,
    "queries": 3,
    "operations": 4,
    "activitypub": 5,
    "views": 6,
    "tool": 7,
}
"""The order inside a room; a file with a name of its own stands where its imports put it."""
LEVEL = {name: len(LAYERS) - i for i, layer in enumerate(LAYERS) for name in layer}
LONGEST_FILE = 300


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(p): p for p in sorted((ROOT / "collab").rglob("*.py"))}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}


def home(module: str) -> str:
    """The most specific named part of the house this module belongs to."""
    return max((n for n in LEVEL if f"{module}.".startswith(f"{n}.")), key=len, default="")


def for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module a file imports when it runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            for name in (f"{node.module}.{a.name}" for a in node.names):
                yield name if name in MODULES else str(node.module)
        elif not for_types_only(node):
            yield from imports(node)


@pytest.mark.parametrize("module", [m for m in MODULES if m != "collab"])
def test_a_module_imports_only_what_lies_below(module):
    here = home(module)
    assert here, f"{module} has no layer: add it to LAYERS"
    above = [
        target
        for target in imports(TREES[module])
        if (there := home(target)) and there != here and LEVEL[there] >= LEVEL[here]
    ]
    assert above == []


def rooms() -> list[str]:
    return [m for m in MODULES if m.startswith("collab.spaces.tools.") and m.count(".") == 4]


@pytest.mark.parametrize("module", rooms())
def test_a_room_keeps_to_itself_and_in_order(module):
    room, _, role = module.rpartition(".")
    for target in imports(TREES[module]):
        if target.startswith("collab.spaces.tools."):
            assert target.startswith(f"{room}."), f"{module} reaches into another room: {target}"
            below = ROLES.get(target.rpartition(".")[2], 0)
            assert below < ROLES.get(role, ROLES["tool"]), f"{module} imports {target}"


@pytest.mark.parametrize("module", MODULES)
def test_flask_stays_at_the_edge(module):
    if f"{module}.".startswith(tuple(f"{a}." for a in FLASK_ALLOWED)) or module.endswith(DOORS):
        return
    assert [t for t in imports(TREES[module]) if t.split(".")[0] in FLASK] == []


@pytest.mark.parametrize("module", MODULES)
def test_no_import_hides_inside_a_function(module):
    hidden = [
        f"{function.name}: {ast.unparse(node)}"
        for function in ast.walk(TREES[module])
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_no_two_modules_import_each_other_in_a_circle():
    graph = {
        name: {t for t in imports(tree) if t in MODULES and t != name}
        for name, tree in TREES.items()
    }
    while free := {name for name, needs in graph.items() if not needs & graph.keys()}:
        graph = {name: needs for name, needs in graph.items() if name not in free}
    assert sorted(graph) == []


def test_files_stay_short():
    written = {m: p for m, p in MODULES.items() if ".migrations." not in m}
    lengths = {m: len(p.read_text().splitlines()) for m, p in written.items()}
    assert {m: n for m, n in lengths.items() if n > LONGEST_FILE} == {}
