"""PDF by Typst: tagged, and checked against PDF/UA-1 while it is made.

What people wrote reaches Typst as data (`sys.inputs`), never as its markup. The forms stand beside
this file and read nothing but that data and each other.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import typst

FORMS = Path(__file__).resolve().parent / "forms"
LETTERS = Path(__file__).resolve().parents[2] / "static" / "vendor"
"""Where tools/assets.py puts the fonts; those that Typst carries are there without it."""
LONG = re.compile(r"[^\s\u200b]{32,}")
MAY_BREAK = "\u200b"


def pdf_of(form: str, data: dict[str, Any]) -> tuple[bytes, bool]:
    """A PDF, and whether it keeps PDF/UA-1 as far as a program can tell.

    Raises:
        typst.TypstError: it cannot be made at all.
    """
    compiler = _compiler(form, data)
    try:
        made, accessible = compiler.compile(format="pdf", pdf_standards="ua-1"), True
    except typst.TypstError:
        # A sign that no font here has, most of the time: it is left out, and the promise with it.
        made, accessible = compiler.compile(format="pdf"), False
    assert isinstance(made, bytes)
    return made, accessible


def pages(form: str, data: dict[str, Any]) -> int:
    """How many pages a form takes."""
    drawn = _compiler(form, data).compile(format="svg")
    return len(drawn) if isinstance(drawn, list) else 1


def _compiler(form: str, data: dict[str, Any]) -> typst.Compiler:
    told = {"data": json.dumps(_breakable(data), ensure_ascii=False)}
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(LETTERS)])
    return typst.Compiler(
        FORMS / f"{form}.typ", root=FORMS, font_paths=fonts, sys_inputs=told, package_path=FORMS,
        package_cache_path=FORMS,
    )  # fmt: skip


def _breakable(node: Any) -> Any:
    """The same data; words too long for a line may break after a sign, or anywhere."""
    if isinstance(node, dict):
        return {
            key: value if key in {"href", "id", "t", "m", "cloth", "qr"} else _breakable(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_breakable(one) for one in node]
    return LONG.sub(_with_breaks, node) if isinstance(node, str) else node


def _with_breaks(word: re.Match[str]) -> str:
    parts: list[str] = []
    for part in re.split(r"(?<=[/?&=_.,:;#-])", word[0]):
        parts += [part[at : at + 24] for at in range(0, len(part), 24)]
    return MAY_BREAK.join(parts)
