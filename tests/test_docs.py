"""What the documents say is there, is there; and what is there is said."""

from __future__ import annotations

import ast
import re
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import click
import pytest

from collab.cli import COMMANDS
from collab.config import SECTIONS, OidcProvider, Settings
from collab.core.errors import Problem
from collab.federation import membership, speech
from collab.federation.inbox import VERBS
from collab.realtime.gateway import EVENTS

ROOT = Path(__file__).resolve().parent.parent
DOCS = [ROOT / "FEDERATION.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
PROTOCOL = (ROOT / "FEDERATION.md").read_text(encoding="utf-8")
RULES = (ROOT / "docs" / "federation.md").read_text(encoding="utf-8")
REQUIRED = [*range(1, 27), *range(38, 43), *range(46, 51)]
"""The rules that hold in this version (FEDERATION.md, docs/federation.md)."""
PATCHING = {"web", "realtime"}
"""Importing these commands' module prepares gevent, which tests do not want."""
SOURCES = {p: p.read_text(encoding="utf-8") for p in (ROOT / "collab").rglob("*.py")}


# --- docs/operate.md ------------------------------------------------------------------------------


def settings():
    for section in SECTIONS:
        for field in fields(get_type_hints(Settings)[section]):
            yield f"{section}.{field.name}", field.default


@pytest.mark.parametrize(("name", "default"), list(settings()))
def test_a_setting_stands_with_its_default_in_the_table(name, default):
    (row,) = [line for line in OPERATE.splitlines() if line.startswith(f"| `{name}` |")]
    _, unit, told, said = row.strip("| ").split(" | ", 3)
    plain = "true" if default is True else "false" if default is False else str(default)
    assert (plain or "empty") in told
    assert unit.strip()
    assert said.strip()


def test_every_field_of_a_provider_is_named():
    missing = [f.name for f in fields(OidcProvider) if not re.search(rf"\b{f.name}\b", OPERATE)]
    assert missing == []
    assert all(f.default is MISSING or f.default == "" for f in fields(OidcProvider))


def commands():
    """Every command and option there is, as one would type it."""
    for name, module in COMMANDS.items():
        yield f"collab {name}", f"collab {name}"
        if name in PATCHING:
            continue
        command = getattr(import_module(module), "import_" if name == "import" else name)
        below = command.commands.items() if isinstance(command, click.Group) else [("", command)]
        for own, one in below:
            typed = f"collab {name} {own}".strip()
            yield typed, typed
            for option in one.params:
                if isinstance(option, click.Option):
                    yield f"{typed} {option.opts[0]}", option.opts[0]


def test_every_command_and_option_is_named():
    missing = set()
    for typed, word in commands():
        name = " ".join(typed.split()[:2])
        about = "\n".join(line for line in OPERATE.splitlines() if f"`{name}" in line)
        if word.split()[-1] not in (OPERATE if word == "--instance" else about):
            missing.add(typed)
    assert missing == set()


def test_what_the_log_may_say_is_explained():
    said = set()
    for text in SOURCES.values():
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("warning", "error", "exception")
                and getattr(node.func.value, "id", "") == "log"
            ):
                said.add(re.split(r"\s*\w+=%|\s*:?\s*%", ast.literal_eval(node.args[0]))[0])
    assert {line for line in said if f"`{line}" not in OPERATE} == set()
    assert len(said) > 15


# --- docs/api.md ----------------------------------------------------------------------------------


def test_every_address_of_the_api_is_named_with_its_methods(house):
    paragraphs = API.split("\n\n")
    missing = set()
    for rule in house.app.url_map.iter_rules():
        if rule.endpoint.startswith("api."):
            path = re.sub(r"<\w+:(\w+)>", r"<\1>", rule.rule)
            told = [p for p in paragraphs if re.search(rf"{re.escape(path)}`", p)]
            missing |= {
                f"{method} {path}"
                for method in rule.methods - {"HEAD", "OPTIONS"}
                if not any(f"`{method}" in paragraph for paragraph in told)
            }
    assert missing == set()


def test_the_api_names_nothing_that_is_not_there(house):
    known = {re.sub(r"<\w+:(\w+)>", r"<\1>", r.rule) for r in house.app.url_map.iter_rules()}
    named = set(re.findall(r"(/api/v1/[^`\s]+)`", API))
    assert named - known == set()
    assert len(named) > 10


def test_every_kind_of_refusal_and_every_live_event_is_named():
    kinds = {kind.code for kind in Problem.__subclasses__()}
    assert {code for code in kinds if f"`{code}`" not in API} == set()
    emitted = set(re.findall(r'emit\(\s*"(\w+)"', "".join(SOURCES.values()))) | {"happened"}
    assert {event for event in emitted | EVENTS if f"| `{event} {{" not in API} == set()


# --- FEDERATION.md and docs/federation.md ---------------------------------------------------------


def held_rules():
    """Every test that names a rule: the number, the file, the test."""
    for path in sorted((ROOT / "tests" / "federation").glob("test_*.py")):
        for name in re.findall(r"^def (test_r\d+_\w+)", path.read_text(), re.MULTILINE):
            yield int(re.findall(r"\d+", name)[0]), path.name, name


def table():
    rows = re.findall(r"^\| R(\d+) \|[^|]+\|([^|]+)\|$", RULES, re.MULTILINE)
    return {
        int(number): re.findall(r"`(test_\w+\.py)` `(test_\w+)`", cell) for number, cell in rows
    }


@pytest.mark.parametrize("rule", REQUIRED)
def test_a_rule_names_tests_that_exist_and_are_about_it(rule):
    named = table()[rule]
    assert named
    assert {(rule, *one) for one in named} <= set(held_rules())


def test_every_rule_the_code_cites_is_explained():
    cited = {int(n) for text in SOURCES.values() for n in re.findall(r"\bR(\d\d?)\b", text)}
    cited |= {number for number, _, _ in held_rules()}
    explained = {int(n) for n in re.findall(r"\bR(\d\d?)\b", RULES)}
    assert cited - explained == set()


def test_every_section_the_code_cites_exists():
    there = set(re.findall(r"^### (\d\.\d) ", PROTOCOL, re.MULTILINE))
    cited = {
        number
        for text in SOURCES.values()
        for run in re.findall(r"FEDERATION\.md((?:[\s#]+|, | and |-|\d\.\d)+)", text)
        for number in re.findall(r"\d\.\d", run)
    }
    assert cited - there == set()
    assert len(cited) > 10


def test_every_activity_that_is_understood_is_named():
    assert membership.follow in VERBS.values()
    assert speech.speak in VERBS.values()
    assert {verb for verb in VERBS if not re.search(rf"`[^`]*\b{verb}\b[^`]*`", PROTOCOL)} == set()


# --- All of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda p: p.name)
def test_a_decision_says_what_it_cost_and_how_one_would_know(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.name[:4]}. ")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    wanted = ["Context", "Decision", "What we gave up", "How we would notice"]
    assert [h for h in wanted if not any(one.startswith(h) for one in headings)] == []


def test_files_named_in_the_documents_exist():
    named = {
        name
        for path in DOCS
        for name in re.findall(r"`((?:collab|tests|tools|docs)/[\w./-]+)`", path.read_text())
        if "<" not in name and "seeds" not in name
    }
    assert {name for name in named if not (ROOT / name).exists()} == set()
