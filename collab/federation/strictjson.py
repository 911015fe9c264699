"""Read JSON of strangers without surprises, and write it in the one form that is signed."""

import hashlib
import json
import re
from typing import Any, NoReturn

import rfc8785

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
_MAX_INT = 2**53 - 1
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_MAX_BASE58 = 2048
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
    try:
        value = json.loads(
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
    if not isinstance(value, dict):
        raise Malformed("not an object")
    if _ODD.search(raw):
        _inspect(value)
    else:
        _check_depth(value)
    return value


def canonical(value: Any) -> bytes:
    """Return `value` in the JSON Canonicalization Scheme, the bytes that are hashed. RFC 8785.

    Raises Malformed for what the scheme cannot carry: NaN, whole numbers beyond 2^53 - 1, lone
    surrogates.
    """
    try:
        if _is_simple(value):
            return _encode(value).encode("utf-8")
        written: bytes = rfc8785.dumps(value)
    except (ValueError, RecursionError) as error:
        raise Malformed("not a canonical value") from error
    return written


def _encode(value: Any) -> str:
    """Raises Malformed for half of a surrogate pair, which has no bytes."""
    written = _WRITER.encode(value)
    if not written.isascii() and _SURROGATE.search(written):
        raise Malformed("half of a surrogate pair")
    return written


class Written:
    """An object written in canonical form once, in pieces, for all that is hashed of it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._pieces: dict[str, str] | None = None
        self._whole = b""

    def whole(self) -> bytes:
        """The whole object. Raises Malformed as `canonical`."""
        self._whole = self._whole or self._joined("")
        return self._whole

    def unsigned(self) -> bytes:
        """The object without its `proof`, and without the `signature` of old servers."""
        if "signature" in self.document:
            left = {k: v for k, v in self.document.items() if k not in ("proof", "signature")}
            return canonical(left)
        return self._joined("proof")

    def thing(self) -> bytes:
        """Its member `object` alone, which must be there."""
        pieces = self._written()
        return canonical(self.document["object"]) if pieces is None else pieces["object"].encode()

    def _joined(self, without: str) -> bytes:
        pieces = self._written()
        if pieces is None:
            return canonical({k: v for k, v in self.document.items() if k != without})
        inside = [
            f'"{name}":{text}' if name in _APART else text
            for name, text in pieces.items()
            if name != without
        ]
        return ("{" + ",".join(inside) + "}").encode("utf-8")

    def _written(self) -> dict[str, str] | None:
        """What is written of it, in order: members that stand apart by their names, all others
        together under the name of their first. None for what the standard writer gets wrong."""
        if self._pieces is None and _is_simple(self.document):
            runs: list[list[str]] = []
            for name in sorted(self.document):
                if name in _APART or not runs or runs[-1][0] in _APART:
                    runs.append([name])
                else:
                    runs[-1].append(name)
            self._pieces = {run[0]: self._piece(run) for run in runs}
        return self._pieces

    def _piece(self, names: list[str]) -> str:
        if names[0] in _APART:
            return _encode(self.document[names[0]])
        return _encode({name: self.document[name] for name in names})[1:-1]


_APART = frozenset({"object", "proof"})


_WRITER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False
)


def _is_simple(value: Any) -> bool:
    """Whether the standard writer gives the same bytes, a few times faster.

    It differs from RFC 8785 in fractions and in the order of keys outside ASCII.
    """
    waiting: list[Any] = [value]
    for part in waiting:  # which grows by what each part holds
        kind = type(part)
        if kind is dict:
            if not _has_plain_names(part):
                return False
            waiting += part.values()
        elif kind is list:
            waiting += part
        elif kind is not str and not _is_plain(part):
            return False
    return True


def _has_plain_names(part: dict[Any, Any]) -> bool:
    """Whether all names in an object are text, in ASCII."""
    try:
        return "".join(part).isascii()
    except TypeError:
        return False


def _is_plain(value: Any) -> bool:
    """Whether the standard writer writes what holds nothing else, and is no text, as it should."""
    kind = type(value)
    return kind is bool or value is None or (kind is int and abs(value) <= _MAX_INT)


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
    try:
        for start in range(0, len(text), 8):
            part, piece = 0, text[start : start + 8]
            for character in piece:
                part = part * 58 + _VALUES[character]
            number = number * 58 ** len(piece) + part
    except KeyError as error:
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


_ODD = re.compile(rb'\\u|"@(?:graph|included|reverse|nest|id|type)"')
"""What only a document can hold that `_inspect` has more to say about than its depth: something
written as an escape, and the words of R40."""


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
