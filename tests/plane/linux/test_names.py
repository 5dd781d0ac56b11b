"""Names fit the kernel's limits, differ where they must, and prove ownership. No privileges needed."""

from __future__ import annotations

import pytest

from gatewright.plane.linux.names import LinkMark, Names
from gatewright.resources.specs import ItemKey, Kind

NAMES = Names("abcd1234")


def marks(names: Names) -> list[LinkMark]:
    ids = ["vpn-bp1xyz", "vpn-bp1xyz-m", "v" * 100]
    return [
        names.uplink,
        *(names.lan(one) for one in ids),
        *(names.wan(one) for one in ids),
        *(names.vswitch(one) for one in ids),
        *(names.port(one) for one in ids),
    ]


def test_link_names_fit_and_differ() -> None:
    every = [*marks(NAMES), *marks(Names("abcd1235"))]
    assert all(len(mark.name) <= 15 and len(mark.alias) < 256 for mark in every)
    assert len({mark.name for mark in every}) == len({mark.mac for mark in every}) == len(every)
    assert [mark.name for mark in marks(Names("abcd1234"))] == [mark.name for mark in marks(NAMES)]


def test_ports_fit_and_differ_inside_their_router() -> None:
    inner = {NAMES.port_inside(one) for one in ("vsw-1", "vsw-2", "v" * 100)}
    assert len(inner) == 3
    assert all(len(name) <= 15 for name in inner)


def test_hardware_addresses_are_local_and_unicast() -> None:
    assert all(
        int(mac[:2], 16) & 3 == 2 and len(mac) == 17 for mark in marks(NAMES) for mac in (mark.mac, mark.inner_mac)
    )


def test_ends_on_the_host_have_the_highest_hardware_addresses() -> None:
    """A bridge without one of its own takes the lowest of its ports'."""
    assert all(mark.mac.startswith("fe:") for mark in marks(NAMES))


def test_namespaces_are_told_apart() -> None:
    assert NAMES.namespace("vpn-1") == "gw-abcd1234-vpn-1"
    assert NAMES.router_namespace("vpc-1") == "gw-abcd1234-router.vpc-1"
    for key in (ItemKey(Kind.INSTANCE, "vpn-1"), ItemKey(Kind.ROUTER, "vpn-1"), ItemKey(Kind.INSTANCE, "router-1")):
        assert NAMES.owner_of(NAMES.namespace_of(key)) == key
    for name in ("gw-abcd1235-vpn-1", "vpn-1", "gw-abcd1234"):
        assert NAMES.owner_of(name) is None


@pytest.mark.parametrize(
    ("alias", "parsed"),
    [
        (NAMES.uplink.alias, ("uplink", "")),
        (NAMES.lan("vpn-1").alias, ("lan", "vpn-1")),
        (NAMES.vswitch("vsw-1").alias, ("vswitch", "vsw-1")),
        (Names("abcd1235").lan("vpn-1").alias, None),
        ("eth0 to the lab", None),
        ("", None),
        (None, None),
    ],
)
def test_aliases_say_whose_a_link_is(alias: str | None, parsed: tuple[str, str] | None) -> None:
    assert NAMES.parse_alias(alias) == parsed


def test_a_link_is_ours_by_its_alias_or_while_it_has_none_by_its_hardware_address() -> None:
    mark = NAMES.lan("vpn-1")
    assert mark.owns(mark.alias, "02:00:00:00:00:01")
    assert mark.owns(None, mark.mac)
    assert mark.owns("", mark.mac)
    assert not mark.owns(None, "02:00:00:00:00:01")
    assert not mark.owns("somebody's", mark.mac)
