"""Read JSON of strangers without surprises, and write it in the one form that is signed."""

import hashlib
import json
import re
import sys
from typing import Any, NoReturn

import orjson
import rfc8785

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
_MAX_INT = 2**53 - 1
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_VALUES = {int.from_bytes(pair.encode(), sys.byteorder): value for value, pair in enumerate(_PAIRS)}
"""What two characters are worth, by their bytes read as one number."""
_MAX_BASE58 = 2048
_QUICK = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_SHA2_256 = b"\x12\x20"

# JSON-LD words that rearrange a document for readers who process JSON-LD (R40).
_ANYWHERE = frozenset({"@graph", "@included", "@reverse", "@nest"})
# The same, except inside `@context`, where they define terms that we never apply.
_OUTSIDE_CONTEXT = frozenset({"@id", "@type"})


class Malformed(ValueError):
    """A document that is not the plain JSON object we accept."""


def parse(raw: bytes, *, limit: int = MAX_BYTES) -> dict[str, Any]:
    """Return the JSON object in `raw`, at most `limit` bytes (1 MiB) of UTF-8.

    Raises Malformed for anything else than one object: double keys, NaN and infinities, whole
    numbers beyond ±(2^53 - 1), more than 32 levels, lone surrogates (R41), and the JSON-LD words
    `@graph @included @reverse @nest`, `@id` and `@type` as keys (R40). `@id` and `@type` pass
    inside `@context`, where peers define terms; contexts are never applied here.
    """
    if len(raw) > limit:
        raise Malformed(f"more than {limit} bytes")
    value = _sorted(raw) or _strictly(raw)
    if not isinstance(value, dict):
        raise Malformed("not an object")
    if b"\\u" in raw or _ODD.search(raw):
        _inspect(value)
    else:
        _check_depth(value)
    return value


def _strictly(raw: bytes) -> Any:
    """Whatever JSON `raw` holds. Raises Malformed as `parse`, but for what it says in the end."""
    try:
        return json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except Malformed:
        raise
    except RecursionError as error:
        raise Malformed(f"more than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise Malformed("not JSON") from error


def _sorted(raw: bytes) -> Any:
    """The same, in half the time, of what is written without spaces and with sorted names, as our
    own instances do; None otherwise.

    The quick reader takes the last of two equal names and rounds large numbers. But what it took
    another way than it stands there is not written again as it stood.
    """
    try:
        value = orjson.loads(raw)
        return value if orjson.dumps(value, option=_QUICK) == raw else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def canonical(value: Any) -> bytes:
    """Return `value` in the JSON Canonicalization Scheme, the bytes that are hashed. RFC 8785.

    Raises Malformed for what the scheme cannot carry: NaN, whole numbers beyond 2^53 - 1, lone
    surrogates.
    """
    quick = _quickly(value)
    if quick is not None:
        return quick
    try:
        written: bytes = rfc8785.dumps(value)
    except (ValueError, RecursionError) as error:
        raise Malformed("not a canonical value") from error
    return written


def _quickly(value: Any) -> bytes | None:
    """The canonical form, many times faster; None for what the quick writer may write otherwise
    (see `_is_simple`) or not at all: half of a surrogate pair, too many levels."""
    try:
        return orjson.dumps(value, option=_QUICK) if _is_simple(value) else None
    except orjson.JSONEncodeError:
        return None


class Written:
    """An object in canonical form, written once for all that is asked of it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._quick = _quickly(document)
        self._whole = self._quick or b""

    def whole(self) -> bytes:
        """The whole object. Raises Malformed as `canonical`."""
        self._whole = self._whole or canonical(self.document)
        return self._whole

    def unsigned(self) -> bytes:
        """The object without its `proof`, and without the `signature` of old servers."""
        names = self.document.keys() - {"proof", "signature"}
        return self.part({name: self.document[name] for name in names})

    def thing(self) -> bytes:
        """Its member `object` alone, which must be there."""
        return self.part(self.document["object"])

    def part(self, value: Any) -> bytes:
        """Something made of parts of the object: where the quick writer writes the whole as it
        should, it writes them so."""
        return canonical(value) if self._quick is None else orjson.dumps(value, option=_QUICK)


def _is_simple(value: Any) -> bool:
    """Whether the quick writer gives the same bytes.

    It differs from RFC 8785 in fractions, in whole numbers beyond 2^53 - 1, in the order of keys
    outside ASCII, and it writes what is no JSON (dates, NaN).
    """
    waiting: list[Any] = [value]
    names: list[Any] = []
    for part in waiting:  # which grows by what each part holds
        kind = type(part)
        if kind is str:
            continue
        if kind is dict:
            names += part
            waiting += part.values()
        elif kind is list:
            waiting += part
        elif not _is_plain(part):
            return False
    try:
        return "".join(names).isascii()
    except TypeError:  # a name that is no text
        return False


def _is_plain(value: Any) -> bool:
    """Whether it holds nothing else, and is a text, a whole number that is not too large, or a
    word of JSON."""
    kind = type(value)
    return kind in _PLAIN or (kind is int and abs(value) <= _MAX_INT)


_PLAIN = frozenset({str, bool, type(None)})


def multihash(data: bytes) -> str:
    """Return the SHA-256 of `data` as a base58btc multihash, `zQm…`."""
    return "z" + base58btc_encode(_SHA2_256 + hashlib.sha256(data).digest())


def base58btc_encode(data: bytes) -> str:
    """Write bytes in base58btc, without the multibase prefix `z`."""
    number = int.from_bytes(data, "big")
    digits: list[str] = []
    while number:  # ten digits at a time: small numbers are divided faster
        number, part = divmod(number, 58**10)
        part, a = divmod(part, 3364)
        part, b = divmod(part, 3364)
        part, c = divmod(part, 3364)
        part, d = divmod(part, 3364)
        digits.append(f"{_PAIRS[part]}{_PAIRS[d]}{_PAIRS[c]}{_PAIRS[b]}{_PAIRS[a]}")
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(digits)).lstrip("1")


def base58btc_decode(text: str) -> bytes:
    """Read base58btc, without the multibase prefix `z`, at most 2048 characters.

    Raises Malformed for another alphabet or a longer text.
    """
    if len(text) > _MAX_BASE58:
        raise Malformed(f"more than {_MAX_BASE58} characters of base58")
    number = 0
    try:  # two characters at a time; a 1 in front adds nothing
        written = (text if len(text) % 2 == 0 else "1" + text).encode("ascii")
        for value in [_VALUES[pair] for pair in memoryview(written).cast("H")]:
            number = number * 3364 + value
    except (KeyError, UnicodeEncodeError) as error:
        raise Malformed("not base58btc") from error
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("the same key twice")
    return found


def _constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise Malformed("a number too large")
    return value


def _int(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > _MAX_INT:
        raise Malformed("a whole number beyond 2^53")
    return int(text)


_SURROGATE = re.compile("[\ud800-\udfff]")


_ODD = re.compile(rb'"@(?:graph|included|reverse|nest|id|type)"')
"""The words of R40. Only what holds one of them, or something written as an escape, needs more than
its depth looked at."""


def _check_depth(document: dict[str, Any]) -> None:
    """As `_inspect`, for a document that holds nothing odd: containers alone, level by level."""
    level: list[Any] = [document]
    for _depth in range(MAX_DEPTH):
        level = [
            part
            for value in level
            for part in (value.values() if type(value) is dict else value)
            if type(part) is dict or type(part) is list
        ]
        if not level:
            return
    raise Malformed(f"more than {MAX_DEPTH} levels")


def _inspect(document: dict[str, Any]) -> None:
    """Walk the tree once for depth, forbidden keys and surrogates. No recursion: depth is data."""
    waiting: list[tuple[Any, int, bool]] = [(document, 1, False)]
    while waiting:
        value, depth, inside = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise Malformed(f"more than {MAX_DEPTH} levels")
            if isinstance(value, dict):
                waiting.extend(_members(value, depth + 1, inside))
            else:
                waiting.extend((item, depth + 1, inside) for item in value)


def _members(value: dict[str, Any], depth: int, inside: bool) -> list[tuple[Any, int, bool]]:
    for key in value:
        _check_text(key)
        if key in _ANYWHERE or (key in _OUTSIDE_CONTEXT and not inside):
            raise Malformed(f"the key {key} rearranges a document")
    return [(item, depth, inside or key == "@context") for key, item in value.items()]


def _check_text(text: str) -> None:
    if not text.isascii() and _SURROGATE.search(text):
        raise Malformed("half of a surrogate pair")
