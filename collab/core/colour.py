"""Whether a colour can be read on another (WCAG 2.2, 1.4.3), and the nearest one that can.

Nearness is measured in OKLab, where equal steps look equally far: only lightness is moved, so that
a green stays the same green, lighter or darker; what screens cannot show gives up some of its
colour.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

Triple = tuple[float, float, float]

HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
TEXT = 4.5
"""The contrast that text needs with its ground."""
STEPS = 400


def parse_colour(text: str) -> str:
    """Write a colour as `#rrggbb`; "" for what is none."""
    told = text.strip().lower()
    if not HEX.fullmatch(told):
        return ""
    return told if len(told) == 7 else "#" + "".join(2 * digit for digit in told[1:])


def luminance(colour: str) -> float:
    """How much light a colour gives (WCAG 2.2, relative luminance), from 0 to 1."""
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.2), from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def is_legible(colour: str, grounds: Iterable[str], ratio: float = TEXT) -> bool:
    """Tell whether text of this colour can be read on every one of the grounds."""
    return all(contrast(colour, ground) >= ratio for ground in grounds)


def nearest_legible(colour: str, grounds: Iterable[str], ratio: float = TEXT) -> str:
    """Give the colour of the same hue, as near as can be, that can be read on all the grounds.

    Raises ValueError when the grounds are so different that no colour can be read on all of them.
    """
    on = tuple(grounds)
    if is_legible(colour, on, ratio):
        return colour
    lightness, a, b = _oklab(_linear(colour))
    levels = sorted((step / STEPS for step in range(STEPS + 1)), key=lambda x: abs(x - lightness))
    for level in levels:
        candidate = _shown(level, a, b)
        if is_legible(candidate, on, ratio):
            return candidate
    raise ValueError(f"no colour can be read on all of {on}")


def _shown(lightness: float, a: float, b: float) -> str:
    """The colour of that lightness as a screen can show it, as much of its hue kept as fits."""
    for kept in range(20, -1, -1):
        linear = _from_oklab((lightness, a * kept / 20, b * kept / 20))
        if all(-0.0005 <= part <= 1.0005 for part in linear):
            return _written(linear)
    return "#000000" if lightness < 0.5 else "#ffffff"


def _linear(colour: str) -> Triple:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return red, green, blue


def _written(linear: Triple) -> str:
    parts = (min(max(part, 0.0), 1.0) for part in linear)
    shown = (p * 12.92 if p <= 0.0031308 else 1.055 * p ** (1 / 2.4) - 0.055 for p in parts)
    return "#" + "".join(f"{round(part * 255):02x}" for part in shown)


def _oklab(linear: Triple) -> Triple:
    red, green, blue = linear
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def _from_oklab(lab: Triple) -> Triple:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
