"""What a sound is, found in its bytes: how it is packed and how long it lasts (R63).

Nothing is decoded: containers are read by maintained libraries, up to the length that they tell.
"""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import ebmlite
from mutagen import FileType, MutagenError
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, AtomError, Atoms  # type: ignore[attr-defined]
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

MATROSKA = ebmlite.loadSchema("matroska.xml")
warnings.filterwarnings("ignore", module="ebmlite", category=UnicodeWarning)
EBML = b"\x1a\x45\xdf\xa3"
ODD = (
    MutagenError, AtomError, ArithmeticError, AssertionError, AttributeError, EOFError, LookupError,
    OSError, RuntimeError, TypeError, ValueError, UnicodeWarning, struct.error,
)  # fmt: skip
"""All that the libraries raise for bytes that are not what they begin like."""
HEARD = {"A_OPUS", "A_VORBIS"}
SOUND_TRACK = 2
PARTS = 60_000
"""Parts of a WebM that are looked at, and one more for each 50 bytes: an hour of short blocks in a
file of 10 MB has less. Two bytes make a part; a file of nothing else would take seconds to read."""
KINDS = {
    "audio/webm": "webm",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
}
"""Every type that is let in, and the ending of the name that we give such a file."""


@dataclass(frozen=True)
class Sound:
    """`kind`: one of KINDS. `seconds`: how long, rounded up; 0 where its bytes do not tell."""

    kind: str
    seconds: int


class NotASound(ValueError):
    """Bytes that are no sound of a kind in KINDS, whatever their name or header says."""


def heard(content: bytes) -> Sound:
    """What these bytes are. The caller has limited how many there are.

    Raises NotASound, also for a film.
    """
    try:
        kind, seconds = _webm(content) if content.startswith(EBML) else _other(content)
    except ODD as error:
        raise NotASound(repr(error)) from error
    if not 0 <= seconds < math.inf:
        raise NotASound(f"it lasts {seconds} s")
    return Sound(kind, math.ceil(seconds))


def _other(content: bytes) -> tuple[str, float]:
    """By the container's own first bytes; the length as its reader tells it."""
    read: type[FileType]
    if content.startswith(b"OggS"):
        kind, read = "audio/ogg", OggOpus if b"OpusHead" in content[:200] else OggVorbis
    elif content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        kind, read = "audio/wav", WAVE
    elif content[4:8] == b"ftyp":
        kind, read = "audio/mp4", MP4
        _no_film(content)
    elif content[:3] == b"ID3" or content[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        kind, read = "audio/mpeg", MP3
    else:
        raise NotASound("no container that is known here")
    info: Any = read(BytesIO(content)).info
    return kind, float(info.length)


def _no_film(content: bytes) -> None:
    """An MP4 may hold pictures beside its sound; such a one is no sound."""
    file = BytesIO(content)
    for track in Atoms(file)[b"moov"].findall(b"trak"):
        _, data = track[b"mdia", b"hdlr"].read(file)
        if data[8:12] != b"soun":
            raise NotASound("a track that is no sound")


def _webm(content: bytes) -> tuple[str, float]:
    """A WebM of sound alone. What a browser records live tells no length: its last block does."""
    document = MATROSKA.load(BytesIO(content), headers=True)
    left = iter(range(PARTS + len(content) // 50))
    told, scale, last, tracks = 0.0, 1_000_000, -1.0, 0
    for part in _parts(document, left):
        name = part.name  # the value of a cluster would be all its parts, read at once
        if name == "DocType" and part.value not in ("webm", "matroska"):
            raise NotASound(f"a {part.value!r}")
        if name == "TimecodeScale":
            scale = int(part.value)
        elif name == "Duration":
            told = float(part.value)
        elif name == "TrackEntry":
            tracks += _sound_track(part, left)
        elif name == "Cluster":
            last = max(last, _end(part, left))
    if tracks != 1 or last < 0:
        raise NotASound(f"{tracks} tracks, the last block at {last}")
    return "audio/webm", max(told, last) * scale / 1e9


def _each(element: Any, left: Iterator[int]) -> Iterator[Any]:
    """What stands in an element, as long as any more may be looked at."""
    for part in element:
        if next(left, None) is None:
            raise NotASound("too many parts")
        yield part


def _parts(document: Any, left: Iterator[int]) -> Iterator[Any]:
    """What stands in the header, and in the segment down to its tracks and clusters."""
    for top in document:
        for part in _each(top, left):
            yield part
            if part.name in ("Info", "Tracks"):
                yield from _each(part, left)


def _sound_track(entry: Any, left: Iterator[int]) -> int:
    parts = _each(entry, left)
    told = {part.name: part.value for part in parts if part.name in ("TrackType", "CodecID")}
    if told.get("TrackType") != SOUND_TRACK or told.get("CodecID") not in HEARD:
        raise NotASound(f"a track of {told}")
    return 1


def _end(cluster: Any, left: Iterator[int]) -> float:
    """When the last block of a cluster begins, in units of the file's scale; below 0: no block."""
    begins, offset = 0, -1 << 15
    for part in _each(cluster, left):
        if part.name == "Timecode":
            begins = int(part.value)
        elif part.name == "SimpleBlock":
            (offset,) = struct.unpack(">h", bytes(part.value[1:3]))
        elif part.name == "BlockGroup":
            for inner in _each(part, left):
                if inner.name == "Block":
                    (offset,) = struct.unpack(">h", bytes(inner.value[1:3]))
    return float(begins + offset)
