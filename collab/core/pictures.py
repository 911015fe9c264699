"""Pictures that people send: drawn anew in a process of its own, never shown as they came (R63).

What they are is found in their bytes. What comes back is our own drawing: nothing that hid behind
the picture, beside it or in its notes (place, camera) is in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from collab.core.errors import Invalid
from collab.core.i18n import N_

REDRAW = Path(__file__).with_name("redraw.py")
MOST = 5_000_000
"""Bytes of a picture that is looked at."""
MEMORY = 600_000_000
"""Bytes of memory that drawing may take."""
SECONDS, PATIENCE = 10, 30
"""Of the processor; and by the clock, where the machine is busy."""
TOO_MANY_POINTS = 2
BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
"""Of PNG, JPEG and WebP files; nothing else is worth a process."""
NOT_ONE = N_("Ce fichier n’est pas une image lisible ici. Envoyez une image PNG, JPEG ou WebP.")
DRAWING = N_(
    "Un dessin SVG peut cacher un programme : il n’est pas accepté. Enregistrez-le en PNG, puis "
    "envoyez-le."
)
TOO_LARGE = N_(
    "Cette image est trop grande : 5 Mo et 16 millions de points au plus. Réduisez-la, puis "
    "recommencez."
)


@dataclass(frozen=True)
class Logo:
    """A picture as a logo; `width` and `height` in CSS pixels.

    `icons`: PNG files of 192 and 512 points; none when the picture is no square.
    """

    kind: str
    width: int
    height: int
    body: bytes
    icons: tuple[bytes, ...]


def as_logo(content: bytes, *, memory: int = MEMORY, seconds: int = SECONDS) -> Logo:
    """Our own small drawing of a picture that somebody sent.

    Args:
        content: PNG, JPEG or WebP, whatever its name or header says.
        memory: bytes that the process may take.
        seconds: of the processor that it may take.

    Raises:
        Invalid: it is something else, too large, or cannot be drawn within those limits.
    """
    if len(content) > MOST:
        raise Invalid(picture=TOO_LARGE)
    if b"<svg" in content[:1000].lower():
        raise Invalid(picture=DRAWING)
    if not content.startswith(BEGINNINGS):
        raise Invalid(picture=NOT_ONE)
    # -I: no settings from the environment, nothing imported from where it runs.
    command = [sys.executable, "-I", str(REDRAW), str(memory), str(seconds)]
    try:
        done = subprocess.run(  # noqa: S603 - our own program; the picture is its input
            command, input=content, capture_output=True, timeout=PATIENCE, check=False, env={}
        )
    except subprocess.TimeoutExpired:
        raise Invalid(picture=NOT_ONE) from None
    if done.returncode:
        raise Invalid(picture=TOO_LARGE if done.returncode == TOO_MANY_POINTS else NOT_ONE)
    head, _, rest = done.stdout.partition(b"\n")
    told, parts, at = json.loads(head), [], 0
    for length in told["lengths"]:
        parts.append(rest[at : at + length])
        at += length
    return Logo(told["kind"], told["width"], told["height"], parts[0], tuple(parts[1:]))
