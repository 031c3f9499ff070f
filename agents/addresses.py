"""The address of a client, behind proxies that are trusted and only those. Pure.

X-Forwarded-For is written by whoever sends it. It counts only from a trusted proxy, and then from
the right: the rightmost address that is no trusted proxy is the client's (RFC 7239, section 8.1).
"""

import ipaddress
from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(
    peer: str | None, forwarded_for: Iterable[str], trusted: Sequence[Network]
) -> str | None:
    """The client's address in its shortest form; None when the peer has none (a unix socket).

    `forwarded_for` holds the header's values in their order, each possibly a list with commas.
    """
    address = _parsed(peer)
    if address is None:
        return None
    hops = [hop for value in forwarded_for for hop in value.split(",")]
    while hops and any(address in network for network in trusted):
        said = _parsed(hops.pop().strip())
        if said is None:
            break
        address = said
    return str(address)


def address_group(address: str | None) -> str:
    """What limits by address count by: an IPv4 address, or the /64 of an IPv6 one."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _parsed(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
