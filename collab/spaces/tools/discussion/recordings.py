"""A recording beside a message, as the wire has it (FEDERATION.md 1.6 g), and back.

Only what can be checked is taken for one: it says the digest and the size of its bytes (FEP-1311).
Anything else that is attached stays a link; see `elsewhere`.
"""

from __future__ import annotations

import re

from collab.core.markup import plain
from collab.core.multihash import digest_from, multihash_of
from collab.core.sounds import KINDS
from collab.federation import vocab
from collab.spaces.files import StoredFile, Upload
from collab.spaces.models import Item
from collab.spaces.tool import Json

MAX_ATTACHED = 32
MAX_NAME = 500
MAX_TOLD = 100_000_000
"""Bytes; what says to be larger is a link."""
LONGEST = 86_400
DURATION = re.compile(r"PT(?:(\d{1,4})M)?(\d{1,5})(?:\.\d{1,9})?S")


def recording_object(file: StoredFile, item: Item) -> Json:
    """The attachment of a message, the same on its host and on every mirror."""
    told: Json = {
        "type": "Audio",
        "mediaType": file.kind,
        "url": file.url,
        "name": " ".join(plain(item.html).split())[:MAX_NAME],
        "digestMultibase": multihash_of(file.digest),
        "size": file.size,
    }
    if file.seconds:
        told["duration"] = f"PT{file.seconds}S"
    return told


def attached(obj: Json) -> list[Json]:
    """What an object says is attached to it, MAX_ATTACHED things at most (R38)."""
    value = obj.get("attachment")
    if not value:
        return []
    many = value if isinstance(value, list) else [value]
    return [one for one in many[:MAX_ATTACHED] if isinstance(one, dict)]


def recording_of(obj: Json) -> Json | None:
    """The first attachment that is a recording which can be checked."""
    return next((one for one in attached(obj) if _told(one) is not None), None)


def upload_of(obj: Json) -> Upload | None:
    """The same, as what is to be sent for."""
    found = recording_of(obj)
    return _told(found) if found is not None else None


def _told(one: Json) -> Upload | None:
    kind, size, url = one.get("mediaType"), one.get("size"), vocab.iri(one, "url")
    digest = digest_from(vocab.text(one, "digestMultibase", 100))
    if one.get("type") not in ("Audio", "Document") or not (url and digest):
        return None
    if not isinstance(kind, str) or kind not in KINDS:
        return None
    if type(size) is not int or not 0 < size <= MAX_TOLD:
        return None
    return Upload(digest, kind, size, _seconds(one), url, held=False)


def _seconds(one: Json) -> int:
    found = DURATION.fullmatch(vocab.text(one, "duration", 40))
    return min(int(found[1] or 0) * 60 + int(found[2]), LONGEST) if found else 0
