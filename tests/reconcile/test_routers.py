"""When a VPC's router is wanted, and what of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gatewright.link.contract import HostChanges
from gatewright.resources.specs import Kind, Observation, Phase, RouterSpec, Tombstone, VSwitchSpec
from gatewright.store import hosts, pools
from tests.support.cell import Cell


@pytest.fixture
def alone(make_cell: Callable[..., Cell]) -> Cell:
    """A service whose agent is the test."""
    return make_cell(with_agent=False)


def changes(cell: Cell, since: int = 0) -> HostChanges:
    return cell.run(cell.control_plane.changes(hosts.LOCAL, since, 0))


def router(cell: Cell) -> RouterSpec:
    (spec,) = (item for item in changes(cell).items if isinstance(item, RouterSpec))
    return spec


def routes(cell: Cell) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    return {table.id: [(route.destination, route.next_hops) for route in table.routes] for table in router(cell).tables}


def test_a_vpc_without_vswitches_has_no_router(alone: Cell) -> None:
    alone.call("CreateVpc", CidrBlock="10.0.0.0/8")
    assert changes(alone).items == ()


def test_the_router_follows_the_vpcs_vswitches(alone: Cell) -> None:
    vpc, first, second = alone.network()
    assert [(port.vswitch_id, port.address) for port in router(alone).ports] == [
        (vswitch, address) for vswitch, address in sorted(((first, "10.0.0.253"), (second, "10.1.0.253")))
    ]
    generation = router(alone).generation
    alone.call("DeleteVSwitch", VSwitchId=second)
    after = router(alone)
    assert ([port.vswitch_id for port in after.ports], after.generation) == ([first], generation + 1)
    alone.call("DeleteVSwitch", VSwitchId=first)
    assert router(alone).ports == ()
    alone.call("DeleteVpc", VpcId=vpc)
    assert {item.key.id for item in changes(alone).items if isinstance(item, Tombstone)} == {vpc, first, second}


def test_a_router_that_was_removed_is_forgotten(alone: Cell) -> None:
    vpc = alone.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    vswitch = alone.call("CreateVSwitch", VpcId=vpc, ZoneId="cn-hangzhou-k", CidrBlock="10.0.0.0/24")["VSwitchId"]
    alone.call("DeleteVSwitch", VSwitchId=vswitch)
    alone.call("DeleteVpc", VpcId=vpc)
    gone = [
        Observation(kind=kind, id=item, generation=0, phase=Phase.REMOVED)
        for kind, item in ((Kind.ROUTER, vpc), (Kind.VSWITCH, vswitch))
    ]
    alone.run(alone.control_plane.report(hosts.LOCAL, gone))
    assert changes(alone).items == ()


def test_custom_entries_lead_to_the_gateways_instances_master_first(alone: Cell) -> None:
    network = alone.network()
    gateway = alone.gateway(network)
    system = alone.call("DescribeVpcs", VpcId=network[0])["Vpcs"]["Vpc"][0]["RouterTableIds"]["RouterTableIds"][0]
    before = router(alone).generation
    to = {"RouteTableId": system, "NextHopType": "VpnGateway", "NextHopId": gateway}
    first = alone.call("CreateRouteEntry", DestinationCidrBlock="172.16.0.0/12", **to)["RouteEntryId"]
    assert routes(alone) == {system: [("172.16.0.0/12", ("10.0.0.1", "10.1.0.1"))]}
    alone.call("ModifyRouteEntry", RouteEntryId=first, RouteEntryName="other")
    assert router(alone).generation == before + 1
    table = alone.call("CreateRouteTable", VpcId=network[0])["RouteTableId"]
    alone.call("AssociateRouteTable", RouteTableId=table, VSwitchId=network[1])
    alone.call(
        "CreateRouteEntries",
        **{
            f"RouteEntries.{number}.{name}": value
            for number, block in ((1, "192.168.0.0/16"), (2, "172.31.0.0/16"))
            for name, value in (
                ("RouteTableId", table),
                ("DstCidrBlock", block),
                ("NextHopType", "VpnGateway"),
                ("NextHop", gateway),
            )
        },
    )
    hops = ("10.0.0.1", "10.1.0.1")
    assert routes(alone)[table] == [("172.31.0.0/16", hops), ("192.168.0.0/16", hops)]
    assert {port.vswitch_id: port.route_table_id for port in router(alone).ports} == {
        network[1]: table,
        network[2]: system,
    }
    alone.call("UnassociateRouteTable", RouteTableId=table, VSwitchId=network[1])
    alone.call("DeleteRouteEntry", RouteEntryId=first)
    assert routes(alone) == {system: []}


def test_a_gateway_that_is_gone_takes_its_routes_from_the_router(alone: Cell) -> None:
    network = alone.network()
    gateway = alone.gateway(network)
    system = alone.call("DescribeVpcs", VpcId=network[0])["Vpcs"]["Vpc"][0]["RouterTableIds"]["RouterTableIds"][0]
    alone.call(
        "CreateRouteEntry",
        RouteTableId=system,
        DestinationCidrBlock="172.16.0.0/12",
        NextHopType="VpnGateway",
        NextHopId=gateway,
    )
    alone.call("DeleteVpnGateway", VpnGatewayId=gateway)
    before = router(alone).generation
    gone = [
        Observation(kind=Kind.INSTANCE, id=f"{gateway}-{number}", generation=0, phase=Phase.REMOVED)
        for number in (1, 2)
    ]
    alone.run(alone.control_plane.report(hosts.LOCAL, gone))
    assert (routes(alone), router(alone).generation) == ({system: []}, before + 1)


def test_every_vswitch_has_a_vxlan_of_its_own_and_gives_its_number_back(alone: Cell) -> None:
    vpc, *_ = alone.network()
    numbers = [item.vni for item in changes(alone).items if isinstance(item, VSwitchSpec)]
    assert numbers == [1, 2]
    third = alone.call("CreateVSwitch", VpcId=vpc, ZoneId="cn-hangzhou-k", CidrBlock="10.2.0.0/24")["VSwitchId"]
    alone.call("DeleteVSwitch", VSwitchId=third)
    since = changes(alone).upto
    alone.run(
        alone.control_plane.report(
            hosts.LOCAL, [Observation(kind=Kind.VSWITCH, id=third, generation=0, phase=Phase.REMOVED)]
        )
    )
    pool = alone.run(alone.database.read(lambda transaction: pools.find(transaction, pools.VNIS)))
    assert pool is not None
    assert (pool.used, changes(alone, since).items) == (2, ())
