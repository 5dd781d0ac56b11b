"""Destinations of routes, and the ids of the entries that nobody made."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.resources.routes import Networks, parse_destination, read_system_entry_id, system_entry_id

TABLE = "vtb-bp1abcdefghijklmnopq"


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("fd00::/64", "fd00::/64"),
        ("fd00::1", "fd00::1/128"),
    ],
)
def test_a_destination_is_a_network_or_an_address(text: str, network: str) -> None:
    assert str(parse_destination(text)) == network


@pytest.mark.parametrize(
    "text", ["", "ten", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "010.0.0.0/8", "10.0.0", "fd00::1/64", "::g"]
)
def test_what_is_neither_is_no_destination(text: str) -> None:
    assert parse_destination(text) is None


networks = st.builds(
    lambda address, length: IPv4Network((address >> (32 - length) << (32 - length), length)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


def test_the_network_that_holds_another_is_found() -> None:
    inside = [IPv4Network("10.0.0.0/24"), IPv4Network("10.0.1.0/24")]
    prepared = Networks(inside)
    assert prepared.around(IPv4Network("10.0.1.128/25")) == inside[1]
    assert prepared.around(IPv4Network("10.0.1.0/24")) == inside[1]
    assert prepared.around(IPv4Network("10.0.0.0/16")) is None
    assert prepared.around(IPv4Network("10.0.2.0/24")) is None


@given(networks, st.lists(networks, max_size=8))
def test_of_all_that_hold_a_network_the_smallest_is_found(network: IPv4Network, others: list[IPv4Network]) -> None:
    holding = [other for other in others if network.subnet_of(other)]
    assert Networks(others).around(network) == max(holding, key=lambda other: other.prefixlen, default=None)


@given(networks, networks)
def test_a_system_entrys_id_tells_table_and_destination_in_order(one: IPv4Network, other: IPv4Network) -> None:
    first, second = system_entry_id(TABLE, one), system_entry_id(TABLE, other)
    assert read_system_entry_id(first) == (TABLE, one)
    assert (first < second) == (one < other)


@pytest.mark.parametrize(
    "entry_id",
    [
        "",
        "rte-",
        "vtb-bp1abcdefghijklmnopq0a00000008",
        "rte-bp1abcdefghijklmnopq0a00000033",
        "rte-bp1abcdefghijklmnopq0a00000199",
        "rte-bp1abcdefghijklmnopq0a00000108",
        "rte-bp1abcdefghijklmnopq0A00000008",
        "rte-0a00000008",
        "rte-bp1abcdefghijklmnopq0a00000008\n",
    ],
)
def test_other_ids_tell_nothing(entry_id: str) -> None:
    assert read_system_entry_id(entry_id) is None
