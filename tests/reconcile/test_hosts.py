"""Which host runs what, how it comes to another one, and what of it the API tells meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
import pytest

from gatewright.link.contract import HostChanges, HostUnknown
from gatewright.reconcile.draining import stuck
from gatewright.reconcile.removal import Occupied
from gatewright.resources.specs import InstanceSpec, Kind, Observation, Phase, Tombstone, VSwitchSpec
from gatewright.store import hosts
from tests.support.cell import PATIENCE, Cell
from tests.support.hosts import Fleet

K, J = "cn-hangzhou-k", "cn-hangzhou-j"


@pytest.fixture
def fleet(make_cell: Callable[..., Cell]) -> Iterator[Fleet]:
    """A service whose own host has no agent: what is placed there stays undone."""
    made = Fleet(make_cell(with_agent=False))
    yield made
    made.close()


def changes(fleet: Fleet, host: str, since: int = 0) -> HostChanges:
    return fleet.cell.run(fleet.cell.control_plane.changes(host, since, 0))


def tell(fleet: Fleet, host: str, item: str, phase: Phase, generation: int = 1, kind: Kind = Kind.INSTANCE) -> None:
    seen = Observation(kind=kind, id=item, generation=generation, phase=phase)
    fleet.cell.run(fleet.cell.control_plane.report(host, [seen]))


def status(fleet: Fleet, gateway: str) -> str:
    told: str = fleet.cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"]
    return told


def drain_once(fleet: Fleet) -> None:
    fleet.drain()


def drain_until(fleet: Fleet, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the host was not drained"
        drain_once(fleet)


def start_draining(fleet: Fleet, *names: str) -> None:
    for name in names:
        fleet.change(msgspec.structs.replace(fleet.row(name), draining=True))


def vswitch_specs(fleet: Fleet, host: str) -> dict[str, VSwitchSpec]:
    return {item.id: item for item in changes(fleet, host).items if isinstance(item, VSwitchSpec)}


def test_with_the_local_host_alone_everything_is_there(fleet: Fleet) -> None:
    network = fleet.cell.network()
    gateway = fleet.cell.gateway(network)
    assert all(at == [hosts.LOCAL] for at in fleet.where(*network, gateway).values())
    assert all(spec.peers == () for spec in vswitch_specs(fleet, hosts.LOCAL).values())


def test_halves_are_on_the_hosts_of_their_zones_and_become_active(fleet: Fleet) -> None:
    fleet.add("a", K, address="10.200.0.11")
    fleet.add("b", J, address="10.200.0.12")
    vpc, first, second = network = fleet.cell.network()
    gateway = fleet.cell.gateway(network)
    fleet.cell.until_status(gateway, "active")
    # The router is on the host of the VPC's first vSwitch, so that the second one spans both.
    assert fleet.where(vpc, first, second, gateway) == {
        f"{gateway}-1": ["a"],
        f"{gateway}-2": ["b"],
        vpc: ["a"],
        first: ["a"],
        second: ["a", "b"],
    }
    # A host is told of what it runs and of nothing else.
    assert {item.key.id for item in changes(fleet, "b").items} == {second, f"{gateway}-2"}
    assert vswitch_specs(fleet, "a")[first].peers == ()
    assert vswitch_specs(fleet, "a")[second].peers == ("10.200.0.12",)
    assert vswitch_specs(fleet, "b")[second].peers == ("10.200.0.11",)
    assert changes(fleet, hosts.LOCAL).items == ()
    fleet.cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    fleet.cell.until_gone(gateway)
    for vswitch in (first, second):
        fleet.cell.call("DeleteVSwitch", VSwitchId=vswitch)
    fleet.cell.call("DeleteVpc", VpcId=vpc)
    fleet.cell.until("DescribeVSwitches", lambda answer: answer["TotalCount"] == 0)
    assert fleet.where(vpc, first, second, gateway).keys() <= {vpc}


def test_a_zone_without_a_host_of_its_own_is_the_local_ones(fleet: Fleet) -> None:
    fleet.add("b", J, agent=False)
    network = fleet.cell.network()
    gateway = fleet.cell.gateway(network)
    assert fleet.where(gateway) == {f"{gateway}-1": [hosts.LOCAL], f"{gateway}-2": ["b"]}


def test_the_host_with_the_fewest_instances_takes_the_next_one(fleet: Fleet) -> None:
    for name in ("b", "a", "c"):
        fleet.add(name, K, agent=False)
    network = fleet.cell.network()
    taken = [fleet.where(gateway)[f"{gateway}-1"] for gateway in (fleet.cell.gateway(network) for _ in range(4))]
    assert taken == [["a"], ["b"], ["c"], ["a"]]
    start_draining(fleet, "b")
    gateways = [fleet.cell.gateway(network) for _ in range(3)]
    assert [fleet.where(gateway)[f"{gateway}-1"] for gateway in gateways] == [["c"], ["a"], ["c"]]


def test_a_vswitch_that_comes_to_a_further_host_is_told_to_the_others(fleet: Fleet) -> None:
    network = fleet.cell.network()
    before = changes(fleet, hosts.LOCAL)
    fleet.add("b", J, address="10.200.0.12", agent=False)
    fleet.cell.gateway(network)
    told = [item for item in changes(fleet, hosts.LOCAL, before.upto).items if isinstance(item, VSwitchSpec)]
    assert [(item.id, item.generation, item.peers) for item in told] == [(network[2], 2, ("10.200.0.12",))]
    # The local host has no address in the network between the hosts.
    assert vswitch_specs(fleet, "b")[network[2]].peers == ()


def test_draining_moves_an_instance_after_its_host_has_let_go_of_it(fleet: Fleet) -> None:
    fleet.add("a", K, address="10.200.0.11", agent=False)
    fleet.add("b", J, agent=False)
    network = fleet.cell.network()
    gateway = fleet.cell.gateway(network)
    one, two = f"{gateway}-1", f"{gateway}-2"
    tell(fleet, "a", one, Phase.READY)
    tell(fleet, "b", two, Phase.READY)
    fleet.cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, AutoPropagate=True)
    tell(fleet, "a", one, Phase.READY, 2)
    tell(fleet, "b", two, Phase.READY, 2)
    assert status(fleet, gateway) == "active"
    fleet.add("c", K, address="10.200.0.13", agent=False)
    start_draining(fleet, "a")
    drain_once(fleet)
    assert fleet.where(gateway) == {one: ["(a)"], two: ["b"]}
    assert status(fleet, gateway) == "updating"
    assert Tombstone(Kind.INSTANCE, one) in changes(fleet, "a").items
    # Whatever is told of the other half, the gateway is whole only where both are.
    tell(fleet, "b", two, Phase.APPLYING, 2)
    tell(fleet, "b", two, Phase.READY, 2)
    assert status(fleet, gateway) == "updating"
    assert changes(fleet, "c").items == ()
    tell(fleet, "a", one, Phase.REMOVED, 0)
    assert fleet.where(gateway) == {one: ["c"], two: ["b"]}
    assert status(fleet, gateway) == "updating"
    specs = [item for item in changes(fleet, "c").items if isinstance(item, InstanceSpec)]
    assert [(spec.id, spec.generation) for spec in specs] == [(one, 2)]
    assert network[1] in vswitch_specs(fleet, "c")
    tell(fleet, "c", one, Phase.READY, 2)
    assert status(fleet, gateway) == "active"
    # A late word of the first host is nobody's.
    tell(fleet, "a", one, Phase.READY, 2)
    assert status(fleet, gateway) == "active"


def test_a_change_while_an_instance_moves_arrives_where_it_comes_to(fleet: Fleet) -> None:
    for name, zone in (("a", K), ("b", J), ("c", K)):
        fleet.add(name, zone, agent=False)
    gateway = fleet.cell.gateway(fleet.cell.network())
    one, two = f"{gateway}-1", f"{gateway}-2"
    tell(fleet, "a", one, Phase.READY)
    tell(fleet, "b", two, Phase.READY)
    start_draining(fleet, "a")
    drain_once(fleet)
    fleet.cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, AutoPropagate=True)
    assert fleet.where(gateway) == {one: ["(a)"], two: ["b"]}
    tell(fleet, "a", one, Phase.REMOVED, 0)
    specs = [item for item in changes(fleet, "c").items if isinstance(item, InstanceSpec)]
    assert [(spec.generation, spec.auto_propagate) for spec in specs] == [(2, True)]


def test_a_host_that_is_to_keep_what_it_has_gets_back_what_was_on_the_way(fleet: Fleet) -> None:
    for name, zone in (("a", K), ("b", J), ("c", K)):
        fleet.add(name, zone, agent=False)
    gateway = fleet.cell.gateway(fleet.cell.network())
    one, two = f"{gateway}-1", f"{gateway}-2"
    tell(fleet, "a", one, Phase.READY)
    tell(fleet, "b", two, Phase.READY)
    start_draining(fleet, "a")
    drain_once(fleet)
    fleet.change(msgspec.structs.replace(fleet.row("a"), draining=False))
    before = changes(fleet, "a").revision
    tell(fleet, "a", one, Phase.REMOVED, 0)
    assert fleet.where(gateway) == {one: ["a"], two: ["b"]}
    assert [item.key.id for item in changes(fleet, "a", before).items] == [one]
    assert status(fleet, gateway) == "updating"
    tell(fleet, "a", one, Phase.READY)
    assert status(fleet, gateway) == "active"


def test_a_gateway_that_is_deleted_while_it_moves_is_gone(fleet: Fleet) -> None:
    for name, zone in (("a", K), ("b", J), ("c", K)):
        fleet.add(name, zone, agent=False)
    gateway = fleet.cell.gateway(fleet.cell.network())
    tell(fleet, "a", f"{gateway}-1", Phase.READY)
    tell(fleet, "b", f"{gateway}-2", Phase.READY)
    start_draining(fleet, "a")
    drain_once(fleet)
    fleet.cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    tell(fleet, "a", f"{gateway}-1", Phase.REMOVED, 0)
    tell(fleet, "b", f"{gateway}-2", Phase.REMOVED, 0)
    assert fleet.where(gateway) == {}
    assert fleet.cell.refusal("DescribeVpnGateway", VpnGatewayId=gateway).status == 404


def test_both_halves_are_never_on_the_way_at_a_time(fleet: Fleet) -> None:
    fleet.add("a", K, J, agent=False)
    gateway = fleet.cell.gateway(fleet.cell.network())
    one, two = f"{gateway}-1", f"{gateway}-2"
    tell(fleet, "a", one, Phase.READY)
    tell(fleet, "a", two, Phase.READY)
    fleet.add("c", K, J, agent=False)
    start_draining(fleet, "a")
    for _ in range(3):
        drain_once(fleet)
        assert fleet.where(gateway) == {one: ["(a)"], two: ["a"]}
    tell(fleet, "a", one, Phase.REMOVED, 0)
    for _ in range(3):
        drain_once(fleet)
        assert fleet.where(gateway) == {one: ["c"], two: ["a"]}
    tell(fleet, "c", one, Phase.READY)
    drain_once(fleet)
    assert fleet.where(gateway) == {one: ["c"], two: ["(a)"]}


def test_a_drained_host_is_left_with_nothing_and_can_be_removed(fleet: Fleet) -> None:
    fleet.add("a", K, J, address="10.200.0.11")
    vpc, first, second = network = fleet.cell.network()
    gateways = [fleet.cell.gateway(network) for _ in range(3)]
    for gateway in gateways:
        fleet.cell.until_status(gateway, "active")
    with pytest.raises(Occupied):
        fleet.remove("a")
    fleet.add("b", J, address="10.200.0.12")
    fleet.add("c", K, address="10.200.0.13")
    start_draining(fleet, "a")
    drain_until(fleet, lambda: fleet.runs("a") == set())
    for gateway in gateways:
        fleet.cell.until_status(gateway, "active")
        assert fleet.where(gateway) == {f"{gateway}-1": ["c"], f"{gateway}-2": ["b"]}
    drain_until(fleet, lambda: "(a)" not in str(fleet.where(*network)))
    assert fleet.where(*network) == {vpc: ["c"], first: ["c"], second: ["b", "c"]}
    assert vswitch_specs(fleet, "b")[second].peers == ("10.200.0.13",)
    assert fleet.remove("a") == 0
    with pytest.raises(HostUnknown):
        changes(fleet, "a")
    assert fleet.runs("b") | fleet.runs("c") == {row.key for row in fleet.placed(*network, *gateways)}


def test_nothing_moves_when_no_other_host_serves_the_zone(fleet: Fleet) -> None:
    fleet.add("a", K)
    fleet.add("b", J)
    network = fleet.cell.network()
    gateway = fleet.cell.gateway(network)
    fleet.cell.until_status(gateway, "active")
    before = fleet.where(*network, gateway)
    start_draining(fleet, "a", "b")
    for _ in range(3):
        drain_once(fleet)
    assert fleet.where(*network, gateway) == before
    assert status(fleet, gateway) == "active"
    row = fleet.row("a")
    assert fleet.cell.run(fleet.cell.database.read(lambda transaction: stuck(transaction, row))) == {K}


def test_what_the_local_host_stood_in_for_moves_to_the_zones_own_host(fleet: Fleet) -> None:
    fleet.start(hosts.LOCAL)
    vpc, first, _ = network = fleet.cell.network()
    gateway = fleet.cell.gateway(network)
    fleet.cell.until_status(gateway, "active")
    fleet.add("b", J, address="10.200.0.12")
    start_draining(fleet, hosts.LOCAL)
    drain_until(fleet, lambda: fleet.where(gateway)[f"{gateway}-2"] == ["b"])
    fleet.cell.until_status(gateway, "active")
    for _ in range(3):
        drain_once(fleet)
    # The first zone is nobody else's.
    assert fleet.where(vpc, first, gateway) == {
        vpc: [hosts.LOCAL],
        first: [hosts.LOCAL],
        f"{gateway}-1": [hosts.LOCAL],
        f"{gateway}-2": ["b"],
    }


def test_a_dead_host_is_removed_on_a_persons_word(fleet: Fleet) -> None:
    fleet.add("a", K, address="10.200.0.11")
    fleet.add("b", J, address="10.200.0.12")
    vpc, first, second = network = fleet.cell.network()
    gateway, leaving = fleet.cell.gateway(network), fleet.cell.gateway(network)
    for each in (gateway, leaving):
        fleet.cell.until_status(each, "active")
    fleet.stop("a")
    fleet.cell.call("DeleteVpnGateway", VpnGatewayId=leaving)
    fleet.cell.until("DescribeVpnGateways", lambda _: list(fleet.where(leaving)) == [f"{leaving}-1"])
    fleet.add("c", K, address="10.200.0.13")
    with pytest.raises(Occupied):
        fleet.remove("a")
    assert fleet.remove("a", fenced=True) == 5
    assert status(fleet, gateway) in ("updating", "active")
    fleet.cell.until_status(gateway, "active")
    assert fleet.where(*network, gateway, leaving) == {
        vpc: ["c"],
        first: ["c"],
        second: ["b", "c"],
        f"{gateway}-1": ["c"],
        f"{gateway}-2": ["b"],
    }
    assert vswitch_specs(fleet, "b")[second].peers == ("10.200.0.13",)
    assert fleet.cell.refusal("DescribeVpnGateway", VpnGatewayId=leaving).status == 404


def test_when_the_last_host_of_a_zone_is_dead_the_local_one_stands_in(fleet: Fleet) -> None:
    fleet.start(hosts.LOCAL)
    fleet.add("a", K, J)
    network = fleet.cell.network()
    gateway = fleet.cell.gateway(network)
    fleet.cell.until_status(gateway, "active")
    fleet.stop("a")
    fleet.remove("a", fenced=True)
    fleet.cell.until_status(gateway, "active")
    assert all(at == [hosts.LOCAL] for at in fleet.where(*network, gateway).values())


def test_another_address_is_told_to_the_hosts_that_reach_it(fleet: Fleet) -> None:
    from gatewright.reconcile import placement

    fleet.add("a", K, address="10.200.0.11", agent=False)
    fleet.add("b", J, address="10.200.0.12", agent=False)
    network = fleet.cell.network()
    before = vswitch_specs(fleet, "b")[network[2]].generation
    fleet.cell.run(fleet.cell.database.write(lambda transaction: placement.readdress(transaction, "a", "10.200.0.99")))
    spec = vswitch_specs(fleet, "b")[network[2]]
    assert (spec.peers, spec.generation) == (("10.200.0.99",), before + 1)
