"""A VPC has one router, also while that is on its way from a host that is being drained to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest

from gatewright.errors import ApiError
from gatewright.resources.specs import ItemKey, Kind, Observation, Phase, RouterSpec
from gatewright.store import hosts, placements
from gatewright.store.transaction import Transaction
from tests.support.cell import Cell
from tests.support.hosts import Fleet

K, J = "cn-hangzhou-k", "cn-hangzhou-j"


@pytest.fixture
def fleet(make_cell: Callable[..., Cell]) -> Iterator[Fleet]:
    """A service without agents: what they tell, the test tells."""
    made = Fleet(make_cell(with_agent=False))
    yield made
    made.close()


def vswitch(fleet: Fleet, vpc: str, zone: str, network: str) -> str:
    made: str = fleet.cell.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=network)["VSwitchId"]
    return made


def drain_away(fleet: Fleet, name: str) -> None:
    fleet.change(msgspec.structs.replace(fleet.row(name), draining=True))
    fleet.drain()


def gone(fleet: Fleet, host: str, *items: tuple[Kind, str]) -> None:
    told = [Observation(kind=kind, id=item, generation=0, phase=Phase.REMOVED) for kind, item in items]
    fleet.cell.run(fleet.cell.control_plane.report(host, told))


def ports(fleet: Fleet, host: str) -> set[str]:
    items = fleet.cell.run(fleet.cell.control_plane.changes(host, 0, 0)).items
    (router,) = (item for item in items if isinstance(item, RouterSpec))
    return {port.vswitch_id for port in router.ports}


def moving(fleet: Fleet) -> tuple[str, str]:
    """A VPC and its vSwitch, whose router is to leave the host a."""
    vpc = fleet.cell.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first = vswitch(fleet, vpc, K, "10.1.0.0/24")
    drain_away(fleet, "a")
    assert fleet.where(vpc) == {vpc: ["(a)"]}
    return vpc, first


def test_a_vswitch_that_comes_meanwhile_is_plugged_in_where_the_router_comes_to(fleet: Fleet) -> None:
    for name, zone in (("a", K), ("b", K), ("c", J)):
        fleet.add(name, zone, agent=False)
    vpc, first = moving(fleet)
    second = vswitch(fleet, vpc, J, "10.2.0.0/24")
    assert fleet.where(vpc, second) == {vpc: ["(a)"], second: ["c"]}
    gone(fleet, "a", (Kind.ROUTER, vpc))
    assert fleet.where(vpc, second) == {vpc: ["b"], second: ["b", "c"]}
    assert ports(fleet, "b") == {first, second}
    fleet.drain()
    gone(fleet, "a", (Kind.VSWITCH, first))
    assert fleet.where(first) == {first: ["b"]}


def test_a_vswitch_on_the_very_host_that_the_router_leaves(fleet: Fleet) -> None:
    fleet.add("a", K, J, agent=False)
    fleet.add("b", K, agent=False)
    vpc, first = moving(fleet)
    second = vswitch(fleet, vpc, J, "10.2.0.0/24")
    assert fleet.where(vpc, second) == {vpc: ["(a)"], second: ["a"]}
    gone(fleet, "a", (Kind.ROUTER, vpc))
    assert fleet.where(vpc, second) == {vpc: ["b"], second: ["a", "b"]}
    assert ports(fleet, "b") == {first, second}


def test_a_dead_host_can_be_removed_then_too(fleet: Fleet) -> None:
    fleet.add("a", K, agent=False)
    fleet.add("b", K, agent=False)
    vpc, first = moving(fleet)
    second = vswitch(fleet, vpc, K, "10.2.0.0/24")
    fleet.remove("a", fenced=True)
    assert fleet.where(vpc, first, second) == {vpc: ["b"], first: ["b"], second: ["b"]}
    assert ports(fleet, "b") == {first, second}


def test_of_two_routers_none_comes_when_one_goes(fleet: Fleet) -> None:
    for name in ("a", "b"):
        fleet.add(name, K, agent=False)
    vpc, _ = moving(fleet)

    def double(transaction: Transaction) -> None:
        revision = hosts.raise_revision(transaction, "b")
        (row,) = placements.of_resources(transaction, [vpc])
        placements.place(transaction, [row.key], "b", row.account_id, vpc, revision)

    fleet.cell.run(fleet.cell.database.write(double))
    gone(fleet, "a", (Kind.ROUTER, vpc))
    assert fleet.where(vpc) == {vpc: ["b"]}


def test_the_router_of_a_vpc_without_vswitches_leaves_for_good_and_the_next_vswitch_gets_one(fleet: Fleet) -> None:
    fleet.add("a", K, agent=False)
    vpc = fleet.cell.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first = vswitch(fleet, vpc, K, "10.1.0.0/24")
    fleet.cell.call("DeleteVSwitch", VSwitchId=first)
    gone(fleet, "a", (Kind.VSWITCH, first))
    assert fleet.where(vpc) == {vpc: ["a"]}
    # No other host is needed for that.
    drain_away(fleet, "a")
    assert fleet.where(vpc) == {vpc: ["(a)"]}
    gone(fleet, "a", (Kind.ROUTER, vpc))
    assert fleet.remove("a") == 0
    fleet.add("b", K, agent=False)
    second = vswitch(fleet, vpc, K, "10.1.0.0/24")
    assert fleet.where(vpc, second) == {vpc: ["b"], second: ["b"]}
    assert ports(fleet, "b") == {second}


def test_what_cannot_be_noted_of_one_item_keeps_nothing_of_the_others_from_it(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    for name, zone in (("a", K), ("b", K), ("c", J)):
        fleet.add(name, zone, agent=False)
    network = fleet.cell.network()
    broken, whole = fleet.cell.gateway(network), None
    at = fleet.where(broken)[f"{broken}-1"][0]
    other = "b" if at == "a" else "a"
    while whole is None or fleet.where(whole)[f"{whole}-1"] != [at]:
        whole = fleet.cell.gateway(network)
    key = ItemKey(Kind.INSTANCE, f"{broken}-1")

    def damage(transaction: Transaction) -> None:
        """Have the instance where it is to come to, before its host has let go of it."""
        revisions = hosts.raise_revisions(transaction, ["a", "b"])
        (row,) = (row for row in placements.of_resources(transaction, [broken]) if row.key == key)
        placements.bury_these(transaction, [row], revisions)
        placements.place(transaction, [key], other, row.account_id, broken, revisions[other])

    fleet.cell.run(fleet.cell.database.write(damage))
    fleet.change(msgspec.structs.replace(fleet.row(at), draining=True))
    told = [
        Observation(kind=Kind.INSTANCE, id=key.id, generation=0, phase=Phase.REMOVED),
        Observation(kind=Kind.INSTANCE, id=f"{whole}-1", generation=1, phase=Phase.READY),
    ]
    for _ in range(2):
        with pytest.raises(ApiError, match=f"instance {key.id} could not be noted"):
            fleet.cell.run(fleet.cell.control_plane.report(at, told))
    assert [row.phase for row in fleet.placed(whole) if row.item_id == f"{whole}-1"] == [Phase.READY]
    assert len([record for record in caplog.records if f"said of {key} failed" in record.getMessage()]) == 1

    def mend(transaction: Transaction) -> None:
        rows = placements.of_resources(transaction, [broken])
        placements.drop(transaction, next(row for row in rows if row.key == key and row.host_id == other))

    fleet.cell.run(fleet.cell.database.write(mend))
    fleet.cell.run(fleet.cell.control_plane.report(at, told))
    assert fleet.where(broken)[key.id] == [other]
