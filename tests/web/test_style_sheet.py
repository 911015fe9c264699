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


LIGHT, DARK = (tokens(block) for block in re.findall(r":root \{(.*?)\n *\}", CSS, re.DOTALL)[:2])


def test_the_measure_of_contrast_is_right():
    assert round(contrast("#000", "#ffffff"), 1) == 21
    assert round(contrast("#767676", "#fff"), 2) == 4.54


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
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


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_field_and_the_focus_can_be_seen(colours):
    for edge in ("edge", "madder"):
        for ground in ("paper", "card"):
            assert contrast(colours[edge], colours[ground]) >= 3, (edge, ground)


def test_light_and_dark_are_the_same_tokens():
    assert set(LIGHT) == set(DARK)


def test_the_style_sheet_is_light_and_asks_nobody_for_anything():
    assert len(gzip.compress(CSS.encode())) < 8_000
    assert "url(" not in CSS
    assert "@import" not in CSS


def test_pages_can_run_from_right_to_left():
    sides = r"(?:margin|padding|border)-(?:left|right)|[;{ ](?:left|right):|align: (?:left|right)"
    assert re.findall(sides, CSS) == []


def test_every_colour_variable_is_defined():
    assert set(re.findall(r"var\(--([a-z]+(?:-[a-z]+)*)", CSS)) <= set(
        re.findall(r"--([a-z-]+):", CSS)
    )


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_carries_its_own_style_or_script(path):
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    # A block of JSON is read by a script, it is none: browsers and the policy leave it alone.
    assert not re.search(r'<script(?!(?: type="application/json"|[^>]*\ssrc=))', text)
