"""A picture drawn anew, in a process of its own that can do nothing else (R63).

Run by `core.pictures`, never imported by what serves: `python -I redraw.py MEMORY SECONDS` with the
picture on standard input. It limits itself before it reads a byte of it: so much memory, so much of
the processor, no file to write. Standard output is one line of JSON, then the pictures that it
tells of, one after the other. Status 1: no picture of a kind that is known here; status 2: it has
too many points.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from collections.abc import Iterator

from PIL import Image, ImageOps, UnidentifiedImageError

KINDS = ("PNG", "JPEG", "WEBP")
SIDE, POINTS = 8_000, 16_000_000
"""Points of a side, and of the whole, that are decoded at most; told by the header, before."""
WIDE, HIGH = 160, 40
"""The largest that a logo is shown, in CSS pixels; fine screens have up to twice the points."""
SCALES = (2.0, 1.5, 1.0)
WEIGHT = 3_000
"""Bytes of a logo at most: it comes along on every first visit."""
ICONS = (192, 512)
SQUARE = 0.1
"""By how much of its longer side a picture may differ from a square and still be an icon."""
SAFE = 0.8
"""The part of an icon that no telephone cuts off (W3C Web Application Manifest, maskable)."""
NOT_ONE, TOO_LARGE = 1, 2
Drawn = tuple[str, bytes]


def limited(memory: int, seconds: int) -> None:
    """Take from this process what it does not need."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def opened(content: bytes) -> Image.Image | int:
    """Every point of the picture and nothing else of the file; or why not."""
    try:
        found = Image.open(io.BytesIO(content), formats=KINDS)
        wide, high = found.size
        if max(wide, high) > SIDE or wide * high > POINTS:
            return TOO_LARGE
        found.thumbnail((2 * max(ICONS),) * 2)
        plain = ImageOps.exif_transpose(found).convert("RGBA")
    except Image.DecompressionBombError:
        return TOO_LARGE
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError):
        return NOT_ONE
    plain.info.clear()
    return plain


def logo(picture: Image.Image) -> tuple[str, bytes, tuple[int, int]]:
    """Kind, bytes and size in CSS pixels: the finest drawing of it that is light enough."""
    for scale in SCALES:
        fitting = picture.copy()
        fitting.thumbnail((round(WIDE * scale), round(HIGH * scale)))
        size = max(1, round(fitting.width / scale)), max(1, round(fitting.height / scale))
        for kind, body in packed(fitting):
            if len(body) <= WEIGHT:
                return kind, body, size
    return kind, body, size


def packed(picture: Image.Image) -> Iterator[Drawn]:
    """The same points in less and less exact ways."""
    yield "image/png", saved(picture, "PNG", optimize=True)
    yield "image/webp", saved(picture, "WEBP", lossless=True, quality=100, method=6)
    for quality in (85, 70, 50):
        yield "image/webp", saved(picture, "WEBP", quality=quality, method=6)


def icons(picture: Image.Image) -> list[bytes]:
    """What a telephone shows of an installed site, of each size; none of what is no square."""
    if abs(picture.width - picture.height) > SQUARE * max(picture.size):
        return []
    made = []
    for size in ICONS:
        ground = Image.new("RGBA", (size, size), "white")
        inner = ImageOps.contain(picture, (round(size * SAFE),) * 2)
        ground.alpha_composite(inner, ((size - inner.width) // 2, (size - inner.height) // 2))
        made.append(saved(ground.convert("RGB").quantize(64), "PNG", optimize=True))
    return made


def saved(picture: Image.Image, kind: str, **how: bool | int) -> bytes:
    """The file of a picture."""
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def main(memory: int, seconds: int) -> int:
    """Draw the picture anew; the exit status."""
    limited(memory, seconds)
    picture = opened(sys.stdin.buffer.read())
    if isinstance(picture, int):
        return picture
    kind, body, (width, height) = logo(picture)
    others = icons(picture)
    lengths = [len(part) for part in (body, *others)]
    told = {"kind": kind, "width": width, "height": height, "lengths": lengths}
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + body + b"".join(others))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
