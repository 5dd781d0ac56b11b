"""Agents one version older: they get what they know, over either link, and what they tell counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from gatewright.link import frames, versions
from gatewright.link.answering import answer
from gatewright.link.contract import HostChanges
from gatewright.link.unix import UnixLinkServer
from gatewright.link.versions import known_to, refusal
from gatewright.resources.specs import SCHEMA_VERSION, Kind, RouterSpec, Tombstone
from gatewright.store import hosts
from tests.link import first_version as old
from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import instance
from tests.plane.linux.sites import gateway
from tests.support.cell import Cell


async def ask(cell: Cell, request: object) -> old.ControlMessage:
    """What an agent of the first version is answered, through its own encoder and decoder."""
    message = frames.agent_decoder.decode(msgspec.msgpack.encode(request))
    told = await answer(cell.control_plane, hosts.LOCAL, message)
    return old.control_decoder.decode(msgspec.msgpack.encode(told))


def test_an_agent_of_the_first_version_builds_a_gateway_and_removes_it(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(with_agent=False)

    def poll(since: int = 0) -> old.HostChanges:
        told = cell.run(ask(cell, old.ChangesRequest(since, 0)))
        assert isinstance(told, old.ChangesAnswer)
        return told.changes

    def tell(*items: tuple[old.Kind, str], phase: old.Phase, generation: int) -> None:
        seen = tuple(old.Observation(kind=kind, id=each, generation=generation, phase=phase) for kind, each in items)
        assert isinstance(cell.run(ask(cell, old.ReportRequest(seen))), old.ReportAnswer)

    network = cell.network()
    gateway = cell.gateway(network)
    found = poll()
    # No router, and the rest in full.
    assert [item.id for item in found.items] == [network[1], network[2], f"{gateway}-1", f"{gateway}-2"]
    assert found.upto == found.revision
    vswitch, instance = found.items[0], found.items[2]
    assert isinstance(vswitch, old.VSwitchSpec)
    assert isinstance(instance, old.InstanceSpec)
    assert (vswitch.cidr_block, instance.private.address, instance.role) == ("10.0.0.0/24", "10.0.0.1", "master")
    halves = [(old.Kind.INSTANCE, f"{gateway}-{number}") for number in (1, 2)]
    bridges = [(old.Kind.VSWITCH, each) for each in network[1:]]
    tell(*halves, *bridges, phase=old.Phase.READY, generation=1)
    assert cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active"
    row = cell.run(cell.database.read(lambda transaction: hosts.find(transaction, hosts.LOCAL)))
    assert row is not None
    assert row.agent_version == 1
    assert row.seen_at is not None
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    gone = poll(found.upto).items
    assert {item.id for item in gone} == {f"{gateway}-1", f"{gateway}-2"}
    tell(*halves, phase=old.Phase.REMOVED, generation=0)
    assert cell.call("DescribeVpnGateways")["TotalCount"] == 0


def test_what_is_removed_of_a_kind_that_it_does_not_know_is_not_told() -> None:
    router = RouterSpec(id="vpc-1", generation=1, account_id="1", ports=(), tables=())
    changes = HostChanges(
        upto=2, revision=2, items=(router, Tombstone(Kind.ROUTER, "vpc-2"), Tombstone(Kind.VSWITCH, "vsw-1"))
    )
    assert known_to(1, changes).items == (Tombstone(Kind.VSWITCH, "vsw-1"),)
    assert known_to(SCHEMA_VERSION, changes) is changes


def test_an_instance_with_tunnels_waits_for_an_agent_that_knows_them() -> None:
    plain = instance()
    changes = HostChanges(upto=2, revision=2, items=(plain, gateway(tunnel())))
    assert known_to(2, changes).items == (plain,)


def test_since_when_there_is_a_kind_is_known_of_all() -> None:
    assert set(versions._SINCE) == set(Kind)
    assert max(versions._SINCE.values()) <= SCHEMA_VERSION


def test_a_newer_agent_is_refused_and_those_before_are_not() -> None:
    assert [refusal(version) is None for version in range(1, SCHEMA_VERSION + 2)] == [True] * SCHEMA_VERSION + [False]


def test_an_agent_of_the_first_version_over_the_unix_socket(make_cell: Callable[..., Cell], tmp_path: Path) -> None:
    cell = make_cell(with_agent=False)
    network = cell.network()

    async def scene() -> old.ControlMessage:
        server = UnixLinkServer(cell.control_plane, hosts.LOCAL, tmp_path / "s")
        await server.start()
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        document = msgspec.msgpack.encode(old.ChangesRequest(0, 0))
        writer.write(len(document).to_bytes(4, "big") + document)
        length = int.from_bytes(await reader.readexactly(4), "big")
        told = old.control_decoder.decode(await reader.readexactly(length))
        writer.close()
        await server.close()
        return told

    told = cell.run(scene())
    assert isinstance(told, old.ChangesAnswer)
    assert [item.id for item in told.changes.items] == [network[1], network[2]]
