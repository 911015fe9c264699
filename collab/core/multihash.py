"""A SHA-256 as the wire names it: a multihash in base58btc, `zQm…` (FEP-1311)."""

from __future__ import annotations

SHA2_256 = b"\x12\x20"
"""sha2-256, 32 bytes."""
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LONGEST = 60
"""More signs than a multihash of 32 bytes has."""


def multihash_of(digest: str) -> str:
    """A SHA-256 in hex as `zQm…`. Raises ValueError for what is no hex."""
    number = int.from_bytes(SHA2_256 + bytes.fromhex(digest))
    digits = ""
    while number:
        number, digit = divmod(number, len(BASE58))
        digits = BASE58[digit] + digits
    return f"z{digits}"


def digest_from(multihash: str) -> str:
    """The hex of a `zQm…`; "" for anything that is not a sha2-256 multihash."""
    number = 0
    for digit in multihash.removeprefix("z")[:LONGEST]:
        if digit not in BASE58:
            return ""
        number = number * len(BASE58) + BASE58.index(digit)
    raw = number.to_bytes(45)
    known = multihash.startswith("z") and raw[-34:-32] == SHA2_256 and not any(raw[:-34])
    return raw[-32:].hex() if known and multihash_of(raw[-32:].hex()) == multihash else ""
