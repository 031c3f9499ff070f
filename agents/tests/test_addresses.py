"""The address of a client: forged headers do not move it."""

import ipaddress

import pytest

from agents.addresses import address_group, client_address

PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.9"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["203.0.113.7, 198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["203.0.113.7", "198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["198.51.100.9, 10.0.0.2"], "198.51.100.9"),
        ("10.0.0.1", ["not an address"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.9, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("fd00::1", ["2001:db8::5"], "2001:db8::5"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
        (None, ["198.51.100.9"], None),
    ],
)
def test_the_rightmost_untrusted_hop_is_the_client(
    peer: str | None, forwarded: list[str], expected: str | None
) -> None:
    """A header counts only from a trusted proxy, and then from the right."""
    assert client_address(peer, forwarded, PROXIES) == expected


def test_nobody_is_trusted_by_default() -> None:
    """Without proxies the header is air."""
    assert client_address("10.0.0.1", ["198.51.100.9"], []) == "10.0.0.1"


def test_an_ipv6_client_counts_by_its_network() -> None:
    """Whoever has one address of a /64 has all of them."""
    assert address_group("2001:db8::1") == address_group("2001:db8::ffff:1")
    assert address_group("2001:db8::1") != address_group("2001:db8:0:1::1")
    assert address_group("192.0.2.1") != address_group("192.0.2.2")
