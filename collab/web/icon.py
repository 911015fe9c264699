"""The cloth of an address as a picture file: what a telephone shows of an installed site."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote

from collab.web.weave import GROUND, SIDE, STEP, THREADS, Cloth, cloth, weave

HALF_GAP = 0.35
"""What shows of the ground on each side of a thread, in the units of the drawing."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"


@lru_cache(64)
def svg(address: str) -> str:
    """The cloth as a file of its own, that grows to any size."""
    return weave(address).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


@lru_cache(64)
def svg_uri(address: str) -> str:
    """The same as an address that carries its drawing: a page needs no request for its icon."""
    inside = quote(svg(address).replace('"', "'"), safe=" ='/:,.-")
    return f"data:image/svg+xml,{inside}"


@lru_cache(16)
def png(address: str, size: int) -> bytes:
    """The cloth as a PNG file (RFC 2083), `size` pixels wide and high, with a palette."""
    drawn = cloth(address)
    dyes = sorted({GROUND, *drawn.warp, *drawn.weft})
    places = [(at + 0.5) * SIDE / size for at in range(size)]
    lines: dict[tuple[int, bool], bytes] = {}
    for line in range(THREADS):
        for on_weft in (False, True):
            row = _row(drawn, line, places, on_weft=on_weft)
            lines[line, on_weft] = b"\0" + bytes(dyes.index(dye) for dye in row)
    rows = b"".join(lines[int(y // STEP), _on_thread(y)] for y in places)
    palette = b"".join(bytes.fromhex(dye[1:]) for dye in dyes)
    head = struct.pack(">IIBBBBB", size, size, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(name, content) for name, content in parts)


def _on_thread(at: float) -> bool:
    return HALF_GAP <= at % STEP <= STEP - HALF_GAP


def _row(drawn: Cloth, line: int, places: list[float], *, on_weft: bool) -> Iterator[str]:
    """The dye at each place of a line: the weft where it lies above, else the warp, else none."""
    for x in places:
        column = int(x // STEP)
        if on_weft and drawn.above(line, column):
            yield drawn.weft[line]
        else:
            yield drawn.warp[column] if _on_thread(x) else GROUND


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checked)
