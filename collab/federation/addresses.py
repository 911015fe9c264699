"""Which network addresses a request of ours may go to (FEDERATION.md R22, R23)."""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# IANA IPv4 Special-Purpose Address Registry, with multicast and the reserved class E.
_REFUSED_4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Of IPv6 only global unicast is let through, minus what is special inside it. A list of what is
# refused would miss the embeddings of IPv4 that keep being invented.
_GLOBAL_6 = IPv6Network("2000::/3")
_REFUSED_6 = tuple(
    IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


def is_public(address: str) -> bool:
    """Tell whether an address is one that any host of the Internet may have.

    False for every special block, for IPv6 outside 2000::/3 except IPv4-mapped addresses, which
    are judged as the IPv4 address they hold, and for texts that are no address.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, IPv4Address):
        return not any(found in block for block in _REFUSED_4)
    return found in _GLOBAL_6 and not any(found in block for block in _REFUSED_6)


def resolve(name: str, port: int) -> list[str]:
    """Ask the system for the addresses of a name, each once, in the system's order.

    Raises OSError when there are none. The system's resolver sets its own time limit.
    """
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
