"""The table by which `make rules` takes every rule out is whole, and true of the code as it is."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress

from tools.take_out_rules import ROOT, Edit, read_table, without

OUTS = read_table()
DOCUMENT = (ROOT / "docs" / "federation.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| R(\d+) \|[^|]+\|([^|]+)\|$", re.MULTILINE)


def test_every_test_of_the_document_s_table_is_seen_red_by_some_entry():
    named = {
        int(rule): {"::".join(one) for one in re.findall(r"`(test_\w+\.py)` `(test_\w+)`", cell)}
        for rule, cell in ROW.findall(DOCUMENT)
    }
    seen = defaultdict(set)
    for out in OUTS:
        seen[out.rule] |= set(out.tests)
    assert len(named) > 60
    assert seen == named


def test_every_text_that_is_taken_out_stands_where_the_table_says():
    assert [(out.rule, fault) for out in OUTS for fault in out.faults(ROOT)] == []
    assert all(out.edits and out.tests and out.what for out in OUTS)


def test_every_test_is_about_the_rule_that_is_taken_out():
    wrong = [
        (out.rule, test)
        for out in OUTS
        for test in out.tests
        if not re.search(rf"::test_r0?{out.rule}_", test)
    ]
    assert wrong == []


def test_what_was_taken_out_is_put_back(tmp_path):
    (tmp_path / "guard.py").write_text("if a != b:\n    raise Refused\n")
    guard = Edit(tmp_path / "guard.py", "a != b", "False")
    assert guard.fault(tmp_path) == ""
    with suppress(KeyError), without(tmp_path, [guard]):
        assert guard.file.read_text().startswith("if False:")
        assert "found 0 times" in guard.fault(tmp_path)
        raise KeyError
    assert guard.file.read_text().startswith("if a != b:")
    assert "nothing is changed" in Edit(guard.file, "a", "a").fault(tmp_path)
