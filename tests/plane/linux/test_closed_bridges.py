"""What is in a vSwitch or on the uplink does not get at the host by the bridge that it is plugged into.

The host is a namespace, and the plane runs there in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import socket
import uuid
from collections.abc import Iterator

import pytest

from gatewright.plane.linux import LinuxPlane, guards, inspection, netns, nft
from gatewright.plane.linux.folders import Folders
from gatewright.resources.specs import Spec
from tests.plane.linux.driver import Elsewhere
from tests.plane.linux.lab import Lab, Told, instance, opened, play, run, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.packets import IPV4, UDP, Ear, frame, ip, marker, send, udp

#: An address of the host that is nowhere on the bridges.
HOST = "192.0.2.77"
#: The last is that of VXLAN: what comes there is taken for frames of whatever vSwitch it says.
PORTS = (53, 5353, 4789)


@pytest.fixture
def host() -> Iterator[Machine]:
    machine = Machine(f"test-host-{uuid.uuid4().hex[:8]}")
    run("ip", "netns", "add", machine.name)
    machine.ip("link", "set", "lo", "up")
    machine.ip("address", "add", f"{HOST}/32", "dev", "lo")
    yield machine
    run("ip", "netns", "delete", machine.name)


def gets_to(host: Machine, bridge: str, machine: Machine) -> set[str]:
    """Which packets to the host's address come there that a machine sends to its bridge's hardware address."""
    address, mac, to = "10.9.1.20", mac_of(machine, "eth0"), mac_of(host, bridge)
    sent = {f"udp {port}": ip(address, HOST, UDP, udp(500, port, marker(f"udp {port}"))) for port in PORTS}
    with Ear(host.name, UDP) as ear:
        send(machine.name, "eth0", *(frame(mac, to, IPV4, one) for one in sent.values()))
        with netns.entered(host.name), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(marker("own"), (HOST, 999))
        return ear.heard(sent | {"own": b""}, "own") - {"own"}


def mac_of(where: Machine, link: str) -> str:
    return str(json.loads(where.ip("-j", "link", "show", link))[0]["address"])


def test_machines_get_to_each_other_and_not_to_the_host(lab: Lab, host: Machine, machines: Machines) -> None:
    # replies are none of this; what comes in by another link than they would leave by is not to be dropped for that
    host.run("sysctl", "-w", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
    table = ("netdev", lab.names.guards)
    with Elsewhere(host.name, lab.installation, lab.runtime, None) as plane:
        plane.apply(vswitch(), instance(ipsec=False))
        bridges = {lab.names.vswitch("vsw-1").name: "vswitch-vsw-1", lab.names.uplink.name: "uplink-bridge"}
        for bridge, chain in bridges.items():
            one, other = (machines.plug(bridge, f"10.9.1.2{n}/24", where=host.name) for n in (0, 1))
            assert one.reaches("10.9.1.21")
            assert other.reaches("10.9.1.1") == (bridge == lab.names.vswitch("vsw-1").name)
            assert gets_to(host, bridge, one) == set()
            host.run("nft", "delete", "chain", *table, chain)
            assert gets_to(host, bridge, one) == {f"udp {port}" for port in PORTS}, "it is the chain that does it"
        plane.apply(vswitch(), instance(ipsec=False))
        assert host.run("nft", "list", "table", *table).count("policy drop") == 4
        # with machines in it, all the same
        plane.remove(instance().key, vswitch().key)
        assert host.run("nft", "list", "tables") == ""
    assert lab.nothing_left()


def test_an_opened_bridge_is_told_and_closed_again(lab: Lab) -> None:
    spec = instance(ipsec=False)
    cases: dict[str, Spec] = {"vswitch-vsw-1": vswitch(), "uplink-bridge": spec}

    async def scenario() -> None:
        told = Told()
        async with opened(lab, told) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(spec)
            for chain, of in cases.items():
                assert await fault(of) is None
                where = ("netdev", lab.names.guards, chain)
                await asyncio.to_thread(run, "nft", "insert", "rule", *where, "accept")
                key, said = await told.next()
                assert key == of.key
                assert "of nftables was changed" in said
                async with opened(lab) as (_, found):
                    assert found == {vswitch().key: 1, spec.key: 1} | {of.key: 0}
                await plane.apply(of)
            async with opened(lab) as (_, found):
                assert found == {vswitch().key: 1, spec.key: 1}
            await asyncio.to_thread(run, "nft", "delete", "table", "netdev", lab.names.guards)
            assert [(await told.next())[0] for _ in range(2)] == [vswitch().key, spec.key]
            for of in (vswitch(), spec):
                await plane.apply(of)
                assert await fault(of) is None
            assert told.nothing

    async def fault(of: Spec) -> str | None:
        return await asyncio.to_thread(inspection.fault, lab.names, Folders(lab.installation, lab.runtime), of)

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_bridge_that_is_made_anew_is_closed_and_a_closed_one_costs_no_nft(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = instance(ipsec=False)
    folders = Folders(lab.installation, lab.runtime)

    async def scenario(plane: LinuxPlane) -> None:
        for bridge in (lab.names.vswitch("vsw-1").name, lab.names.uplink.name):
            await plane.apply(vswitch())
            await plane.apply(spec)
            run("ip", "link", "delete", bridge)
            await plane.apply(vswitch())
            await plane.apply(spec)
            assert guards.fault(folders.of(vswitch().key)) is None
            assert guards.uplink_fault(folders.own()) is None
            assert bridge in run("nft", "list", "table", "netdev", lab.names.guards)
        monkeypatch.setattr(nft, "EXECUTABLE", "/bin/false")
        await plane.apply(vswitch(generation=2))
        await plane.apply(instance(ipsec=False, generation=2))
        monkeypatch.undo()
        # a vSwitch alone, the table goes with it
        await plane.remove(spec.key)
        assert lab.tables() == [f"netdev {lab.names.guards}"]
        await plane.remove(vswitch().key)

    play(lab, scenario)
    assert lab.nothing_left()
