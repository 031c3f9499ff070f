"""The address of a client, behind proxies that are trusted and only those. Pure.

X-Forwarded-For is written by whoever sends it. It counts only from a trusted proxy, and then from
the right: the rightmost address that is no trusted proxy is the client's (RFC 7239, section 8.1).
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_WITH_PORT = re.compile(r"\[([^\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


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
        said = _parsed(_without_port(hops.pop().strip()))
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
    # A zone (`fe80::1%eth0`) means something on this machine alone, and no database takes it.
    try:
        address = ipaddress.ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _without_port(hop: str) -> str:
    """An entry of X-Forwarded-For; some proxies write `192.0.2.1:80` or `[2001:db8::1]:80`."""
    found = _WITH_PORT.fullmatch(hop)
    return (found[1] or found[2]) if found else hop
