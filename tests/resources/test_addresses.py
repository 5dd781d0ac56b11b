"""Address arithmetic."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.resources.addresses import (
    RESERVED_NETWORKS,
    dotted,
    first_free,
    overlapping,
    parse_network,
    public_range,
    vswitch_range,
    within,
)


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


def networks(shortest: int, longest: int, inside: str = "10.0.0.0/16") -> st.SearchStrategy[ipaddress.IPv4Network]:
    whole = ipaddress.IPv4Network(inside)
    first, last = int(whole.network_address), int(whole.broadcast_address)
    return st.builds(
        lambda address, length: ipaddress.IPv4Network((address, length), strict=False),
        st.integers(first, last),
        st.integers(shortest, longest),
    )


@given(st.lists(networks(17, 28), max_size=8), st.integers(17, 26))
def test_the_first_free_network_is_free_and_none_below_it_is(taken: list[ipaddress.IPv4Network], mask: int) -> None:
    whole = ipaddress.IPv4Network("10.0.0.0/16")
    free = [each for each in whole.subnets(new_prefix=mask) if overlapping(each, taken) is None]
    assert first_free([whole], taken, mask) == (free[0] if free else None)


@given(st.lists(networks(16, 28), max_size=40), st.integers(16, 29))
def test_networks_can_be_taken_one_after_another_until_none_is_left(
    taken: list[ipaddress.IPv4Network], mask: int
) -> None:
    whole = [ipaddress.IPv4Network("10.0.0.0/20"), ipaddress.IPv4Network("10.0.128.0/24")]
    for _ in range(5):
        found = first_free(whole, taken, mask)
        if found is None:
            return
        assert within(found, whole) is not None
        assert overlapping(found, taken) is None
        taken = [*taken, found]


@pytest.mark.parametrize(
    ("inside", "taken", "mask", "found"),
    [
        (["10.0.0.0/24"], [], 24, "10.0.0.0/24"),
        (["10.0.0.0/24"], [], 23, None),
        (["10.0.0.0/24"], ["10.0.0.0/8"], 29, None),
        (["10.0.0.0/24", "192.168.0.0/24"], ["10.0.0.0/25"], 24, "192.168.0.0/24"),
        (["10.0.0.0/24"], ["10.0.0.0/25", "10.0.0.192/29"], 26, "10.0.0.128/26"),
        (["10.0.0.0/24"], ["10.0.0.0/29", "10.0.0.128/25"], 26, "10.0.0.64/26"),
        (["100.64.0.0/9"], [*map(str, RESERVED_NETWORKS)], 16, "100.0.0.0/16"),
        (["255.255.255.0/24"], ["255.255.255.0/25"], 25, "255.255.255.128/25"),
    ],
)
def test_free_networks_are_found(inside: list[str], taken: list[str], mask: int, found: str | None) -> None:
    chosen = first_free(
        [ipaddress.IPv4Network(each, strict=False) for each in inside], map(ipaddress.IPv4Network, taken), mask
    )
    assert chosen == (None if found is None else ipaddress.IPv4Network(found))


@given(networks(8, 28), st.lists(networks(8, 28), max_size=5))
def test_what_lies_within_a_network_overlaps_it(
    network: ipaddress.IPv4Network, others: list[ipaddress.IPv4Network]
) -> None:
    around = within(network, others)
    if around is not None:
        assert network.overlaps(around)
        assert overlapping(network, others) is not None
    if overlapping(network, others) is None:
        assert not set(others) & {network}
