"""The address of a client: forged headers do not move it."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.addresses import address_group, client_address

PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]
addresses = st.ip_addresses().map(str) | st.sampled_from(
    ["10.0.0.1", "fd00::1%eth0", "::ffff:1.2.3.4"]
)


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
        ("fe80::1%eth0", [], "fe80::1"),
        ("fd00::1%eth0", ["fe80::2%1"], "fe80::2"),
        ("10.0.0.1", ["198.51.100.9:5678"], "198.51.100.9"),
        ("10.0.0.1", ["[2001:db8::5]:5678"], "2001:db8::5"),
        ("10.0.0.1", ["[2001:db8::5]"], "2001:db8::5"),
        ("10.0.0.1", ["203.0.113.7, 198.51.100.9:1, 10.0.0.2:443"], "198.51.100.9"),
        ("10.0.0.1", ["198.51.100.9:port"], "10.0.0.1"),
        ("10.0.0.1", ["[198.51.100.9"], "10.0.0.1"),
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


@given(st.none() | st.text() | addresses, st.lists(st.text() | addresses))
def test_any_text_is_an_address_or_none(peer: str | None, forwarded: list[str]) -> None:
    """Whatever is sent, the answer is one address, and the peer's unless the peer is trusted."""
    found = client_address(peer, forwarded, PROXIES)
    if found is not None:
        said = ipaddress.ip_address(found)
        assert client_address(found, [], []) == str(said)
        if all(ipaddress.ip_address(found) not in network for network in PROXIES):
            assert client_address(found, forwarded, PROXIES) == found
    assert address_group(peer) == address_group(peer)


def test_an_ipv6_client_counts_by_its_network() -> None:
    """Whoever has one address of a /64 has all of them."""
    assert address_group("2001:db8::1") == address_group("2001:db8::ffff:1")
    assert address_group("2001:db8::1") != address_group("2001:db8:0:1::1")
    assert address_group("fe80::1%eth0") == address_group("fe80::2%eth1")
    assert address_group("192.0.2.1") != address_group("192.0.2.2")
