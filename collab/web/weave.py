"""A weave: the small cloth that stands for a space, a person or an instance.

It is drawn from the address alone, so it is the same on every instance that shows it: no upload,
no third party, nothing to moderate. Six SVG nodes and about 450 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

DEEP = ("#0f5c5c", "#a8321f", "#3f4f8c", "#7a3e6b", "#6b4a2e")
"""Canard, madder, indigo, orchil and walnut: one thread system is dyed with one of these."""
BRIGHT = ("#d1922a", "#8a9c36", "#6aa3bd", "#f1e6d0", "#d98c7a")
"""Ochre, weld, woad, linen and rose: the other system, so that the pattern can be seen."""
GROUND = "#2a2430"
"""What shows between two threads."""

BINDINGS = (
    (1, (0, 1)),
    (2, (0, 1, 2, 3)),
    (2, (3, 2, 1, 0)),
    (2, (0, 0, 2, 2)),
    (2, (0, 1, 2, 3, 3, 2, 1, 0)),
    (1, (0, 0, 1, 1)),
)
"""How the weft goes: threads it passes over at once, and how far each row is shifted.

Plain weave, twill to the right, twill to the left, basket, herringbone, rib.
"""

THREADS = 8
STEP = 6
SIDE = THREADS * STEP


@dataclass(frozen=True)
class Cloth:
    """What is woven: the dye of each thread, and how the weft goes over the warp."""

    warp: list[str]
    weft: list[str]
    run: int
    shifts: Sequence[int]

    def above(self, line: int, column: int) -> bool:
        """Whether the weft lies above the warp where these two threads cross."""
        shift = self.shifts[line % len(self.shifts)]
        return (column + shift) // self.run % 2 == 0


def cloth(address: str) -> Cloth:
    """The cloth of an address: only its characters count."""
    bits = sha256(address.encode()).digest()
    deep, bright = DEEP[bits[0] % len(DEEP)], BRIGHT[bits[1] % len(BRIGHT)]
    others = [dye for dye in DEEP + BRIGHT if dye not in (deep, bright)]
    accent = others[bits[2] % len(others)]
    if bits[3] & 1:
        deep, bright = bright, deep
    run, shifts = BINDINGS[bits[6] % len(BINDINGS)]
    warp, weft = _threads(bits[4], deep, accent), _threads(bits[5], bright, accent)
    return Cloth(warp, weft, run, shifts)


def weave(address: str, size: int = 48) -> str:
    """Draw the cloth of an address as SVG text.

    Args:
        address: `name@host` or a host; only its characters count.
        size: side of the square, in CSS pixels.
    """
    drawn = cloth(address)
    return (
        f'<svg class="weave" role="img" aria-hidden="true" width="{size}" height="{size}"'
        f' viewBox="0 0 {SIDE} {SIDE}" stroke-width="{STEP - 0.7:g}">'
        f'<path fill="{GROUND}" d="M0 0h{SIDE}v{SIDE}H0z"/>'
        f"{_warp(drawn.warp)}{_weft(drawn.weft, drawn.run, drawn.shifts)}</svg>"
    )


@lru_cache(4096)
def weave_image(address: str, size: int = 48) -> str:
    """Draw the cloth as an HTML image that carries its own drawing: one node, and no request."""
    drawing = weave(address, size).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    inside = quote(drawing.replace('"', "'"), safe=" ='/:,.-")
    return (
        f'<img class="weave" alt="" width="{size}" height="{size}"'
        f' src="data:image/svg+xml,{inside}">'
    )


def _threads(bits: int, main: str, accent: str) -> list[str]:
    """Dyes of the threads in order; the two halves mirror each other, as on a loom."""
    half = [accent if bits >> place & 1 else main for place in range(THREADS // 2)]
    if main not in half:
        half[bits >> 4 & 3] = main
    return half + half[::-1]


def _warp(dyes: Sequence[str]) -> str:
    return "".join(
        f'<path stroke="{dye}" d="'
        + "".join(f"M{at * STEP + STEP // 2} 0v{SIDE}" for at in _places(dyes, dye))
        + '"/>'
        for dye in sorted(set(dyes))
    )


def _weft(dyes: Sequence[str], run: int, shifts: Sequence[int]) -> str:
    """Rows drawn as dashes; a row is shifted by starting it left of the cloth."""
    return "".join(
        f'<path stroke="{dye}" stroke-dasharray="{run * STEP}" d="'
        + "".join(
            f"M{-shifts[at % len(shifts)] * STEP} {at * STEP + STEP // 2}H{SIDE}"
            for at in _places(dyes, dye)
        )
        + '"/>'
        for dye in sorted(set(dyes))
    )


def _places(dyes: Sequence[str], dye: str) -> list[int]:
    return [at for at, found in enumerate(dyes) if found == dye]
