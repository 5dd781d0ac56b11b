"""What a VPC's rows compile to."""

from __future__ import annotations

import msgspec

from gatewright.resources.compile import EntryFacts, VSwitchFacts, compile_router
from gatewright.resources.specs import ItemKey, Kind, Route, RouterPort, RouterSpec, RouteTable, needs

ONE = VSwitchFacts(vswitch_id="vsw-1", cidr_block="10.0.0.0/24", route_table_id="vtb-system")
TWO = VSwitchFacts(vswitch_id="vsw-2", cidr_block="10.0.1.0/29", route_table_id="vtb-own")


def entry(table: str, destination: str, *next_hops: str) -> EntryFacts:
    return EntryFacts(route_table_id=table, destination=destination, next_hops=next_hops)


def router(vswitches: list[VSwitchFacts], entries: list[EntryFacts]) -> RouterSpec:
    return compile_router("vpc-1", 3, "1", vswitches, entries)


def test_a_router_has_the_third_last_address_of_each_vswitch_and_the_tables_in_use() -> None:
    spec = router(
        [TWO, ONE],
        [
            entry("vtb-own", "172.16.0.0/12", "10.0.0.1", "10.0.1.1"),
            entry("vtb-own", "0.0.0.0/0", "10.0.0.9"),
            entry("vtb-unused", "192.168.0.0/16", "10.0.0.1"),
        ],
    )
    assert (spec.key, spec.generation, spec.account_id) == (ItemKey(Kind.ROUTER, "vpc-1"), 3, "1")
    assert spec.ports == (
        RouterPort(vswitch_id="vsw-1", address="10.0.0.253", network="10.0.0.0/24", route_table_id="vtb-system"),
        RouterPort(vswitch_id="vsw-2", address="10.0.1.5", network="10.0.1.0/29", route_table_id="vtb-own"),
    )
    assert spec.tables == (
        RouteTable(
            id="vtb-own",
            routes=(
                Route(destination="0.0.0.0/0", next_hops=("10.0.0.9",)),
                Route(destination="172.16.0.0/12", next_hops=("10.0.0.1", "10.0.1.1")),
            ),
        ),
        RouteTable(id="vtb-system", routes=()),
    )
    assert needs(spec) == (ItemKey(Kind.VSWITCH, "vsw-1"), ItemKey(Kind.VSWITCH, "vsw-2"))


def test_the_order_of_rows_does_not_matter_to_a_router() -> None:
    entries = [entry("vtb-own", "172.16.0.0/12", "10.0.0.1"), entry("vtb-system", "192.168.0.0/16", "10.0.0.1")]
    assert router([ONE, TWO], entries) == router([TWO, ONE], entries[::-1])


def test_a_router_without_vswitches_has_nothing() -> None:
    spec = router([], [entry("vtb-own", "172.16.0.0/12", "10.0.0.1")])
    assert (spec.ports, spec.tables) == ((), ())


def test_a_router_goes_over_the_link_and_back() -> None:
    spec = router([ONE], [entry("vtb-system", "172.16.0.0/12", "10.0.0.1")])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(spec), type=RouterSpec) == spec
