"""Whether colours can be read, and what the style sheet may not do."""

from __future__ import annotations

import gzip
import re

import pytest
from shell import HOUSE

CSS = (HOUSE / "static" / "collab.css").read_text()
TEMPLATES = sorted(HOUSE.glob("**/templates/**/*.html"))


def tokens(block):
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", block))


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def blocks(dark, strong):
    """The tokens of every block that dresses `:root` in the dark or not, in high contrast or not.

    However the choice is made (by the device or by the reader), the colours are the same.
    """
    sheet, found = re.sub(r"/\*.*?\*/", "", CSS), []
    for before, selector, body in re.findall(
        r"(@media[^{]*\{\s*)?((?::root|\[data-)[^{}]*)\{([^{}]*)\}", sheet
    ):
        where = before + selector
        if "print" in where or "--paper" not in body:
            continue
        is_dark = "scheme: dark" in where or "theme=dark" in where
        if (is_dark, "contrast" in where) == (dark, strong):
            found.append(tokens(body))
    assert found
    assert all(other == found[0] for other in found)
    return found[0]


LIGHT, DARK = blocks(dark=False, strong=False), blocks(dark=True, strong=False)
STRONG, STRONG_DARK = blocks(dark=False, strong=True), blocks(dark=True, strong=True)
EVERY = pytest.mark.parametrize(
    "colours", [LIGHT, DARK, STRONG, STRONG_DARK], ids=["light", "dark", "high", "high dark"]
)


def test_the_measure_of_contrast_is_right():
    assert round(contrast("#000", "#ffffff"), 1) == 21
    assert round(contrast("#767676", "#fff"), 2) == 4.54


@EVERY
def test_every_text_can_be_read(colours):
    pairs = [
        (text, ground)
        for text in ("ink", "soft", "brand", "madder", "ochre", "ok")
        for ground in ("paper", "card", "sunk")
    ]
    pairs += [
        ("on-brand", "brand"),
        ("ink", "mark"),
        ("ink", "ins"),
        ("ink", "del"),
        ("soft", "mark"),
    ]
    weak = {
        pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2)
        for pair in pairs
        if contrast(colours[pair[0]], colours[pair[1]]) < 4.5
    }
    assert weak == {}


@EVERY
def test_every_field_and_the_focus_can_be_seen(colours):
    for edge in ("edge", "madder"):
        for ground in ("paper", "card"):
            assert contrast(colours[edge], colours[ground]) >= 3, (edge, ground)


def test_every_dress_has_the_same_tokens():
    assert set(LIGHT) == set(DARK) == set(STRONG) == set(STRONG_DARK)


@pytest.mark.parametrize("colours", [STRONG, STRONG_DARK], ids=["light", "dark"])
def test_high_contrast_is_more_than_twice_what_is_required(colours):
    for text in ("ink", "soft", "brand", "madder", "ochre", "ok"):
        assert contrast(colours[text], colours["sunk"]) >= 9, text


def test_the_style_sheet_is_light_and_asks_nobody_for_anything():
    assert len(gzip.compress(CSS.encode())) < 11_000
    assert "url(" not in CSS
    assert "@import" not in CSS


def test_pages_can_run_from_right_to_left():
    sides = r"(?:margin|padding|border)-(?:left|right)|[;{ ](?:left|right):|align: (?:left|right)"
    assert re.findall(sides, re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)) == []


def test_every_colour_variable_is_defined():
    assert set(re.findall(r"var\(--([a-z]+(?:-[a-z]+)*)", CSS)) <= set(
        re.findall(r"--([a-z-]+):", CSS)
    )


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_carries_its_own_style_or_script(path):
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    # A block of JSON is read by a script, it is none: browsers and the policy leave it alone.
    assert not re.search(r'<script(?!(?: type="application/json"|[^>]*\sdata-src=))', text)
