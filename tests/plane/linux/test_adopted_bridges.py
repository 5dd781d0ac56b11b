"""A bridge of the host is a vSwitch: legs come and go, and it stays as it was."""

from __future__ import annotations

import dataclasses
import json
import socket
import uuid
from collections.abc import Iterator

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import HostOptions, LinuxPlane
from tests.plane.linux.lab import Lab, instance, links, opened, play, router, run, vswitch
from tests.plane.linux.machines import Machines
from tests.plane.linux.packets import IPV4, UDP, Ear, frame, ip, marker, send, udp
from tests.plane.linux.places import drop_guard


@pytest.fixture
def bridge() -> Iterator[str]:
    """The host's own, with an address and an alias."""
    name = f"br{uuid.uuid4().hex[:10]}"
    run("ip", "link", "add", "name", name, "type", "bridge")
    run("ip", "link", "set", name, "alias", "the office", "up")
    # a port of the host's own, as bridges have: they take the lowest hardware address of their ports
    run(
        "ip",
        "link",
        "add",
        f"p{name[2:]}",
        "address",
        "f8:00:00:00:00:01",
        "type",
        "veth",
        "peer",
        "name",
        f"q{name[2:]}",
    )
    run("ip", "link", "set", f"p{name[2:]}", "master", name, "up")
    run("ip", "address", "add", "192.0.2.1/32", "dev", name)
    yield name
    run("ip", "link", "delete", f"p{name[2:]}", check=False)
    run("ip", "link", "delete", name, check=False)


def adopting(lab: Lab, bridge: str) -> Lab:
    return dataclasses.replace(lab, options=HostOptions(bridges={"vsw-1": bridge}))


def look(bridge: str) -> tuple[object, ...]:
    """All of it that is not about its ports."""
    link = links()[bridge]
    addresses = [one["local"] for one in json.loads(run("ip", "-j", "address", "show", bridge))[0]["addr_info"]]
    ipv6 = run("sysctl", "-n", f"net.ipv6.conf.{bridge}.disable_ipv6")
    return link["ifindex"], link["ifalias"], link["address"], sorted(addresses), ipv6


def test_machines_on_it_reach_the_router_and_the_instance(lab: Lab, bridge: str, machines: Machines) -> None:
    host = adopting(lab, bridge)
    before = look(bridge)

    async def scenario(plane: LinuxPlane) -> None:
        for number in (1, 2):
            await plane.apply(vswitch(number))
        await plane.apply(router())
        await plane.apply(instance(ipsec=False))
        assert lab.names.vswitch("vsw-1").name not in links()
        assert look(bridge) == before
        one = machines.plug(bridge, "10.9.1.20/24", "10.9.1.253")
        plugged = look(bridge)
        other = machines.plug(lab.names.vswitch("vsw-2").name, "10.9.2.20/24", "10.9.2.253")
        assert one.reaches("10.9.1.253")
        assert one.reaches("10.9.1.1")
        assert one.reaches("10.9.2.20")
        assert other.reaches("10.9.1.1")
        async with opened(host) as (_, found):
            assert found == {vswitch(1).key: 1, vswitch(2).key: 1, router().key: 1, instance().key: 1}
        for key in found:
            await plane.remove(key)
        assert look(bridge) == plugged

    play(host, scenario)
    assert lab.nothing_left()


def test_a_missing_bridge_is_named_and_another_try_mends_it(lab: Lab) -> None:
    name = f"br{uuid.uuid4().hex[:10]}"

    async def scenario(plane: LinuxPlane) -> None:
        with pytest.raises(PlaneError, match=f"bridge {name}, which vSwitch vsw-1 is by configuration: .*no such link"):
            await plane.apply(vswitch())
        with pytest.raises(PlaneError, match="no such link"):
            await plane.apply(instance(ipsec=False))
        await plane.apply(vswitch(2))
        with pytest.raises(PlaneError, match="no such link"):
            await plane.apply(router())
        assert len(lab.addresses(router())) == 2, "the other port is there"
        run("ip", "link", "add", "name", name, "type", "bridge")
        try:
            with pytest.raises(PlaneError, match=f"it is down: ip link set {name} up"):
                await plane.apply(vswitch())
            run("ip", "link", "set", name, "up")
            await plane.apply(vswitch())
            await plane.apply(router())
            async with opened(adopting(lab, name)) as (_, found):
                assert found[router().key] == 1
            run("ip", "link", "delete", name)
            async with opened(adopting(lab, name)) as (_, found):
                assert found[router().key] == found[vswitch().key] == 0
        finally:
            run("ip", "link", "delete", name, check=False)

    play(adopting(lab, name), scenario)


def test_what_is_no_bridge_of_the_hosts_is_refused(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        with pytest.raises(PlaneError, match="is no bridge"):
            await plane.apply(vswitch())

    play(adopting(lab, "lo"), scenario)

    async def ours(plane: LinuxPlane) -> None:
        await plane.apply(vswitch(2))
        with pytest.raises(PlaneError, match="which Gatewright made itself"):
            await plane.apply(vswitch())

    play(adopting(lab, lab.names.vswitch("vsw-2").name), ours)


def test_a_bridge_is_one_vswitch() -> None:
    with pytest.raises(ValueError, match="br-lan cannot be both vsw-1 and vsw-2"):
        HostOptions(bridges={"vsw-1": "br-lan", "vsw-2": "br-lan"})


def test_what_runs_moves_to_the_bridge_and_back(lab: Lab, bridge: str, machines: Machines) -> None:
    """When the configuration changes between two runs of the agent."""

    async def scenario(plane: LinuxPlane) -> None:
        for number in (1, 2):
            await plane.apply(vswitch(number))
        await plane.apply(router())
        await plane.apply(instance(ipsec=False))

    play(lab, scenario)
    one = machines.plug(bridge, "10.9.1.20/24", "10.9.1.253")

    async def adopted(plane: LinuxPlane) -> None:
        await scenario(plane)
        assert one.reaches("10.9.1.1")
        assert one.reaches("10.9.2.253")
        assert lab.names.vswitch("vsw-1").name not in links()

    play(adopting(lab, bridge), adopted)

    async def back(plane: LinuxPlane) -> None:
        await scenario(plane)
        assert not one.reaches("10.9.1.1")
        assert not [link for link in links().values() if link.get("master") == bridge and "ifalias" in link]

    play(lab, back)


def test_a_taken_over_gateway_does_not_reach_the_host_by_it(lab: Lab, bridge: str) -> None:
    spec = instance(ipsec=False)
    sent = {"udp": ip("10.9.1.1", "192.0.2.1", UDP, udp(9, 9999, marker("udp")))}

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        to, own = links()[bridge]["address"], lab.names.lan(spec.id).inner_mac

        def arrives() -> set[str]:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as local, Ear("", UDP) as ear:
                send(lab.namespace(spec), "lan", frame(own, to, IPV4, sent["udp"]))
                local.sendto(marker("control"), ("192.0.2.1", 9999))
                return ear.heard(sent | {"control": b""}, "control") - {"control"}

        assert arrives() == set()
        drop_guard(lab, spec)
        assert arrives() == {"udp"}

    play(adopting(lab, bridge), scenario)


@pytest.mark.parametrize("mtu", [9000, 1400])
def test_its_mtu_stays_and_legs_have_it(lab: Lab, bridge: str, mtu: int) -> None:
    run("ip", "link", "set", f"p{bridge[2:]}", "mtu", str(mtu))
    assert links()[bridge]["mtu"] == mtu

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance(ipsec=False))
        await plane.apply(router((1,)))
        assert links()[bridge]["mtu"] == mtu
        assert links("-n", lab.namespace(instance()))["lan"]["mtu"] == mtu
        assert links("-n", lab.namespace(router()))[lab.names.port_inside("vsw-1")]["mtu"] == mtu

    play(adopting(lab, bridge), scenario)
