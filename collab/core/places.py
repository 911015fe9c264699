"""Where requests come from, as far as they are counted."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address


def place_of(address: str) -> str:
    """Where a request came from, as one somebody: an IPv4 address, or an IPv6 network of 64 bits,
    which is what one customer gets."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(getattr(found, "ipv4_mapped", None) or found)
