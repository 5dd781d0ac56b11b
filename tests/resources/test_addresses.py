"""Address arithmetic."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.resources.addresses import dotted, parse_network, public_range, vswitch_range


@pytest.mark.parametrize(
    "text", ["10.0.0.0", "10.0.0.1/24", "010.0.0.0/8", "10.0.0.0/255.0.0.0", "::/0", "", "x/8", "10/8"]
)
def test_only_canonical_networks_are_networks(text: str) -> None:
    assert parse_network(text) is None


def test_a_24_has_252_usable_addresses() -> None:
    usable = vswitch_range(ipaddress.IPv4Network("192.168.1.0/24"))
    assert (dotted(usable.first), dotted(usable.last), usable.size) == ("192.168.1.1", "192.168.1.252", 252)


@given(st.integers(0, 2**32 - 1), st.integers(8, 29))
def test_usable_addresses_lie_inside(address: int, length: int) -> None:
    network = ipaddress.IPv4Network((address, length), strict=False)
    for usable in (vswitch_range(network), public_range(network)):
        assert usable.size >= 4
        assert ipaddress.IPv4Address(usable.first) in network
        assert ipaddress.IPv4Address(usable.last) in network
        assert usable.last < int(network.broadcast_address)
    assert parse_network(str(network)) == network
