"""What agents are told and what follows from what they tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gatewright.link.contract import HostChanges, HostUnknown
from gatewright.operations.declaration import GATEWRIGHT
from gatewright.reconcile import wanted
from gatewright.resources.specs import InstanceSpec, Kind, Observation, Phase, Tombstone
from gatewright.store import hosts
from tests.support.cell import Cell


@pytest.fixture
def alone(make_cell: Callable[..., Cell]) -> Cell:
    """A service whose agent is the test."""
    return make_cell(with_agent=False)


def changes(cell: Cell, since: int = 0, wait: float = 0) -> HostChanges:
    return cell.run(cell.control_plane.changes(hosts.LOCAL, since, wait))


def tell(cell: Cell, *observations: Observation) -> None:
    cell.run(cell.control_plane.report(hosts.LOCAL, observations))


def seen(item_id: str, phase: Phase, generation: int = 1, kind: Kind = Kind.INSTANCE) -> Observation:
    return Observation(kind=kind, id=item_id, generation=generation, phase=phase)


def status(cell: Cell, gateway: str) -> str:
    told: str = cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"]
    return told


def test_specs_come_in_the_order_of_changes_and_once(alone: Cell) -> None:
    network = alone.network()
    gateway = alone.gateway(network)
    first = changes(alone)
    assert [item.key.id for item in first.items] == [
        network[1],
        # The VPC's router was wanted with the first vSwitch, and again with the second.
        network[0],
        network[2],
        f"{gateway}-1",
        f"{gateway}-2",
    ]
    assert first.upto == first.revision == 3
    spec = first.items[3]
    assert isinstance(spec, InstanceSpec)
    assert (spec.role, spec.zone_id, spec.generation) == ("master", "cn-hangzhou-k", 1)
    assert (spec.private.address, spec.private.network) == ("10.0.0.1", "10.0.0.0/24")
    assert changes(alone, first.upto).items == ()
    assert changes(alone) == first


def test_a_name_changes_no_spec_and_a_switch_raises_the_generation(alone: Cell) -> None:
    gateway = alone.gateway(alone.network())
    before = changes(alone).upto
    alone.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, Name="other")
    alone.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, AutoPropagate=False)
    assert changes(alone, before).items == ()
    alone.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, AutoPropagate=True)
    after = changes(alone, before).items
    assert [item.generation for item in after if isinstance(item, InstanceSpec)] == [2, 2]


def test_a_status_waits_for_every_instance_at_the_wanted_generation(alone: Cell) -> None:
    gateway = alone.gateway(alone.network())
    one, two = f"{gateway}-1", f"{gateway}-2"
    assert status(alone, gateway) == "init"
    tell(alone, seen(one, Phase.APPLYING))
    assert status(alone, gateway) == "provisioning"
    tell(alone, seen(one, Phase.READY))
    assert status(alone, gateway) == "provisioning"
    tell(alone, seen(two, Phase.FAILED))
    assert status(alone, gateway) == "provisioning"
    tell(alone, seen(two, Phase.READY))
    assert status(alone, gateway) == "active"
    alone.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, AutoPropagate=True)
    # What was seen of the generation before is old news.
    tell(alone, seen(one, Phase.READY, 1), seen(two, Phase.READY, 1))
    assert status(alone, gateway) == "updating"
    tell(alone, seen(one, Phase.READY, 2), seen(two, Phase.READY, 2))
    assert status(alone, gateway) == "active"


def test_a_gateway_is_gone_only_when_all_its_instances_are(alone: Cell) -> None:
    network = alone.network()
    gateway = alone.gateway(network)
    one, two = f"{gateway}-1", f"{gateway}-2"
    tell(alone, seen(one, Phase.READY), seen(two, Phase.READY))
    before = changes(alone).upto
    # A removal that nobody asked for changes nothing of what is wanted.
    tell(alone, seen(one, Phase.REMOVED, 0))
    assert status(alone, gateway) == "updating"
    alone.call("DeleteVpnGateway", VpnGatewayId=gateway)
    assert set(changes(alone, before).items) == {Tombstone(Kind.INSTANCE, one), Tombstone(Kind.INSTANCE, two)}
    tell(alone, seen(one, Phase.REMOVED, 0))
    assert status(alone, gateway) == "deleting"
    assert alone.call("DescribeVpnGateways")["TotalCount"] == 1
    # A late word of the other half does not bring it back.
    tell(alone, seen(two, Phase.READY))
    assert status(alone, gateway) == "deleting"
    tell(alone, seen(two, Phase.REMOVED, 0))
    assert alone.refusal("DescribeVpnGateway", VpnGatewayId=gateway).status == 404
    assert alone.call("DescribeVpnGateways")["TotalCount"] == 0
    tell(alone, seen(two, Phase.REMOVED, 0))
    assert alone.call("DescribeVSwitchAttributes", VSwitchId=network[1])["AvailableIpAddressCount"] == 252


def test_an_observation_of_a_stranger_is_ignored(alone: Cell) -> None:
    tell(alone, seen("vpn-unknown-1", Phase.READY), seen("vsw-unknown", Phase.READY, kind=Kind.VSWITCH))


def test_what_a_host_says_is_noted_whatever_characters_it_has(alone: Cell) -> None:
    one = f"{alone.gateway(alone.network())}-1"
    tell(alone, msgspec.structs.replace(seen(one, Phase.FAILED), detail="no such \0 file"))
    events = alone.call("DescribeEvents", GATEWRIGHT.version)
    assert "no such \N{REPLACEMENT CHARACTER} file" in str(events)


def test_a_poll_wakes_up_on_a_change(alone: Cell) -> None:
    network = alone.network()
    since = changes(alone).upto

    async def scene() -> tuple[HostChanges, float]:
        started = time.monotonic()
        polling = asyncio.create_task(alone.control_plane.changes(hosts.LOCAL, since, 20))
        await asyncio.sleep(0.05)
        assert not polling.done()
        vpc, first, second = network
        order: dict[str, Any] = {"VSwitchId": first, "DisasterRecoveryVSwitchId": second, "Bandwidth": 10}
        await alone.acall("CreateVpnGateway", VpcId=vpc, **order)
        return await polling, time.monotonic() - started

    found, seconds = alone.run(scene())
    assert len(found.items) == 2
    # Far below the second after which a poll looks again by itself.
    assert seconds < 0.9


def test_a_poll_that_sees_nothing_ends_in_time(alone: Cell) -> None:
    assert changes(alone, 0, 0.05) == HostChanges(upto=0, revision=0, items=())


def test_many_changes_come_in_pages_that_split_no_revision(alone: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "PAGE", 3)
    network = alone.network()
    for _ in range(4):
        alone.gateway(network)
    collected: list[str] = []
    since, revision = 0, -1
    while since != revision:
        page = changes(alone, since)
        # Two instances share their revision, and a page has whole revisions.
        assert len(page.items) <= 4
        collected += [item.key.id for item in page.items]
        since, revision = page.upto, page.revision
    assert len(collected) == len(set(collected)) == 11


def test_an_unknown_host_is_told_so(alone: Cell) -> None:
    with pytest.raises(HostUnknown):
        alone.run(alone.control_plane.changes("elsewhere", 0, 0))
