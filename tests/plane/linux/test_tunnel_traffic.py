"""What goes through tunnels: nothing that pretends, nothing lost while keys change, and traffic that wakes one."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from gatewright.plane.linux import LinuxPlane
from gatewright.resources.tunnels import VpnPolicy, VpnRoute
from tests.plane.linux.customer import Customer, tunnel
from tests.plane.linux.lab import Lab, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.sites import DOWN, UP, VPC, gateway, machine, site
from tests.plane.linux.tunnel_watch import Heard, opened, play


@pytest.mark.usefixtures("carried_by")
def test_a_tunnel_that_waits_begins_with_the_first_packet(lab: Lab, machines: Machines) -> None:
    one = tunnel(1, initiate=False)
    two = tunnel(2, "198.51.100.51", initiate=False, local=(VPC,), remote=("172.16.2.0/24",))

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway(one, two))
        with ExitStack() as stack:
            first, second = site(stack, machines, lab, 1), site(stack, machines, lab, 2)
            first.answer(one)
            second.answer(two)
            inside = machine(machines, lab)
            assert "traffic" in (await heard.status("tun-1", DOWN)).detail
            assert first.sas() == second.sas() == []
            # somebody who only looks takes nothing from who has it
            watching = Heard()
            async with opened(lab, watching) as (_, found):
                assert found[gateway().key] == 1
            assert watching.states == []
            # to nowhere that a tunnel leads to
            await asyncio.to_thread(inside.ping, "172.30.0.1", "-W", "0.2")
            await asyncio.to_thread(inside.ping, first.inside, "-W", "0.2")
            await heard.status("tun-1", UP)
            assert second.sas() == []
            assert inside.reaches(first.inside)
            await asyncio.to_thread(inside.ping, second.inside, "-W", "0.2")
            await heard.status("tun-2", UP)
            assert inside.reaches(second.inside)

    play(lab, scenario)


@pytest.mark.usefixtures("carried_by")
def test_nobody_behind_a_tunnel_pretends_to_be_in_the_vpc(lab: Lab, machines: Machines) -> None:
    spec = gateway(tunnel(1), tunnel(2, "198.51.100.51", local=(VPC,), remote=("172.16.2.0/24",)))

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            sites = site(stack, machines, lab, 1), site(stack, machines, lab, 2)
            for one, spec_of in zip(sites, spec.tunnels, strict=True):
                # it does not keep to what was agreed
                one.answer(spec_of)
            inside = machine(machines, lab)
            outsider = machines.plug(lab.names.uplink.name, "198.51.100.77/24", "198.51.100.1")
            await plane.apply(spec)
            await heard.status("tun-1", UP)
            await heard.status("tun-2", UP)
            for taker in (inside, outsider):
                rules = "add table ip seen; add chain ip seen in { type filter hook input priority 0; }; "
                taker.run("nft", rules + "add rule ip seen in icmp type echo-request counter")
            for number, one in enumerate(sites, 1):
                assert one.host.reaches("10.9.1.20")
                for source in ("10.9.1.77", "10.9.1.1", "198.51.100.1", "100.64.0.3", *(["172.20.0.9"] * (number - 1))):
                    one.router.ip("address", "add", f"{source}/32", "dev", "lan")
                    one.router.ip("route", "replace", "10.9.1.20", "dev", "ipsec0", "src", source)
                    one.router.ping("10.9.1.20", "-W", "0.1", "-I", source)
                    one.router.ip("address", "del", f"{source}/32", "dev", "lan")
                for elsewhere in ("198.51.100.77", "10.9.1.1", "198.51.100.1", "100.64.0.2", "100.64.0.3", "10.9.9.9"):
                    one.router.ip("route", "replace", elsewhere, "dev", "ipsec0")
                    assert not one.host.reaches(elsewhere, "-W", "0.1")
                    one.router.ip("route", "del", elsewhere, "dev", "ipsec0")
            assert "counter packets 2 " in inside.run("nft", "list", "ruleset")
            assert "counter packets 0 " in outsider.run("nft", "list", "ruleset")
            # nor is what carries tunnels anybody's in the VPC, or outside
            for somebody in (inside, outsider):
                for link_end in ("100.64.0.2", "100.64.0.3"):
                    assert not somebody.reaches(link_end, "-W", "0.1")

    play(lab, scenario)


@pytest.mark.usefixtures("carried_by")
def test_keys_change_under_traffic_without_a_loss(lab: Lab, machines: Machines) -> None:
    # the first at 2.4 s at the earliest, the last at 3.6 s
    one = tunnel(ike={"lifetime": 4}, ipsec={"lifetime": 3})

    def spis(peer: Customer) -> tuple[set[bytes], set[bytes]]:
        standing = [sa for sa in peer.sas() if sa["state"] == b"ESTABLISHED"]
        children = [child for sa in standing for child in sa["child-sas"].values() if child["state"] == b"INSTALLED"]
        return {sa["initiator-spi"] for sa in standing}, {child["spi-in"] for child in children}

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            peer = site(stack, machines, lab)
            peer.answer(one)
            inside = machine(machines, lab)
            await plane.apply(gateway(one))
            await heard.status("tun-1", UP)
            ike, children = spis(peer)
            with inside.pinging(peer.inside) as end:
                deadline = asyncio.get_running_loop().time() + 10
                while (now := spis(peer)) and (ike & now[0] or children & now[1]):
                    assert asyncio.get_running_loop().time() < deadline
                    await asyncio.sleep(0.05)
                answered = end()
            assert answered.whole, (answered.sent, answered)
            assert [state.status for state in heard.states].count(UP) == 1

    play(lab, scenario)


@pytest.mark.usefixtures("carried_by")
def test_two_tunnels_to_one_network_take_turns(lab: Lab, machines: Machines) -> None:
    """Weights decide, and policies go before destinations; what is down is passed over."""
    heavy, light = tunnel(1), tunnel(2, "198.51.100.51")
    to = "172.16.9.0/24"
    routes = (
        VpnRoute(destination=to, tunnel=1, weight=100),
        VpnRoute(destination=to, tunnel=2, weight=0),
    )
    policies = (VpnPolicy(source="10.9.1.20/32", destination=to, tunnel=2, weight=100, priority=10),)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            first, second = site(stack, machines, lab, 1), site(stack, machines, lab, 2)
            for one, turned in ((first, heavy), (second, light)):
                one.answer(turned)
                one.router.ip("address", "add", "172.16.9.9/32", "dev", "lan")
            inside = machine(machines, lab)
            other = machines.plug(lab.names.vswitch("vsw-1").name, "10.9.1.21/24", "10.9.1.1")
            await plane.apply(gateway(heavy, light, vpn_routes=routes))
            await heard.status("tun-1", UP)
            await heard.status("tun-2", UP)

            def taken(by: Machine) -> str:
                """Whose packets come through which tunnel."""
                before = [received(one) for one in (first, second)]
                assert by.reaches("172.16.9.9")
                after = [received(one) for one in (first, second)]
                return "".join(str(n) for n, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b)

            assert taken(inside) == "1"
            await plane.apply(gateway(heavy, light, vpn_routes=routes, vpn_policies=policies, generation=2))
            assert taken(inside) == "2"
            assert taken(other) == "1"
            # the customer ends it, and does not want it again
            first.vici.unload_conn({"name": "tun1"})
            heard.states.clear()
            first.terminate()
            await heard.status("tun-1", DOWN)
            assert taken(other) == "2"

    play(lab, scenario)


def received(one: Customer) -> int:
    """Packets that have come out of the customer's end of the tunnel."""
    return int(one.router.run("cat", "/sys/class/net/ipsec0/statistics/rx_packets"))
