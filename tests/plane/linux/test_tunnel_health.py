"""Health checks of real tunnels: probes through them decide whether they carry, and bring them back."""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import ExitStack

import msgspec
import pytest

from gatewright.plane.linux import LinuxPlane
from gatewright.plane.linux.vpn_routing import DESTINATIONS
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.troubles import Cause
from gatewright.resources.tunnel_states import HealthStatus
from gatewright.resources.tunnels import HealthSpec, VpnRoute
from tests.plane.linux.customer import Customer, tunnel
from tests.plane.linux.lab import Lab, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.sites import UP, gateway, machine, site
from tests.plane.linux.tunnel_watch import Heard, opened, play
from tests.support.patience import patience

pytestmark = pytest.mark.usefixtures("carried_by")

INSIDE = "10.9.1.20"


def check(destination: str = "172.16.1.2", *, revokes: bool = True) -> HealthSpec:
    """From the address of a machine in the VPC, which is not to notice."""
    return HealthSpec(source=INSIDE, destination=destination, interval=0.2, retry=3, revokes=revokes)


def used(lab: Lab, spec: InstanceSpec, destination: str = "172.16.1.0/24") -> list[str]:
    """The links that lead to a destination, the one that is used first."""
    lines = lab.ip(spec, "route", "show", "table", str(DESTINATIONS), destination).splitlines()
    return [words[words.index("dev") + 1] for words in map(str.split, lines)]


async def leads_over(lab: Lab, spec: InstanceSpec, *links: str, seconds: float = 15) -> None:
    """Wait until these are what leads to the site, in this order."""

    def wait() -> bool:
        command = ["timeout", str(patience(seconds)), "ip", "-n", lab.namespace(spec), "monitor", "route"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as monitor:
            try:
                while not (found := used(lab, spec) == list(links)):
                    if monitor.stdout is None or not monitor.stdout.readline():
                        return used(lab, spec) == list(links)
                return found
            finally:
                monitor.kill()

    assert await asyncio.to_thread(wait), (links, used(lab, spec))


async def health(heard: Heard, tunnel_id: str, status: HealthStatus) -> None:
    def holds() -> bool:
        last = heard.last(tunnel_id)
        return last is not None and last.health is status

    await heard.until(holds, patience(10))


def echo_replies(machine: Machine) -> int:
    """How many have reached a machine."""
    names, values = (line.split() for line in machine.run("grep", "^IcmpMsg", "/proc/net/snmp").splitlines())
    return int(dict(zip(names, values, strict=True)).get("InType0", "0"))


def silence(peer: Customer, *, silent: bool = True) -> None:
    """Have the host behind a customer's router answer nothing, or answer again."""
    peer.router.ip("link", "set", "lan", "down" if silent else "up")


def test_a_failing_check_takes_traffic_off_a_tunnel_and_brings_it_back(lab: Lab, machines: Machines) -> None:
    # two ways to the same network, of which the second is the standby
    spec = gateway(tunnel(1, health=check()), tunnel(2, "198.51.100.51", health=check("172.16.2.2", revokes=False)))
    routes = tuple(VpnRoute(destination="172.16.1.0/24", tunnel=n, weight=w) for n, w in ((1, 100), (2, 0)))
    spec = msgspec.structs.replace(spec, vpn_routes=routes)

    async def build(plane: LinuxPlane, heard: Heard, stack: ExitStack) -> tuple[Customer, Customer]:
        await plane.apply(vswitch())
        await plane.apply(msgspec.structs.replace(spec, tunnels=(), vpn_routes=()))
        first, second = site(stack, machines, lab), site(stack, machines, lab, 2)
        first.answer(spec.tunnels[0])
        second.answer(spec.tunnels[1])
        await plane.apply(spec)
        for name in ("tun-1", "tun-2"):
            await heard.status(name, UP)
            await health(heard, name, HealthStatus.GOOD)
        await leads_over(lab, spec, "tun1", "tun2")
        return first, second

    async def scenario(plane: LinuxPlane, heard: Heard, stack: ExitStack) -> None:
        first, second = await build(plane, heard, stack)
        sites.append(first)
        inside = machine(machines, lab)
        assert inside.reaches(first.inside)
        silence(first)
        await health(heard, "tun-1", HealthStatus.FAILED)
        await leads_over(lab, spec, "tun2")
        last = heard.last("tun-1")
        assert last is not None
        assert (last.status, last.detail) == (UP, "the health check is not answered: 172.16.1.2 is silent")
        assert last.troubles[0].cause == Cause.HEALTH
        silence(first, silent=False)
        await health(heard, "tun-1", HealthStatus.GOOD)
        # what has come back comes last until it has lasted
        await leads_over(lab, spec, "tun2", "tun1")
        await leads_over(lab, spec, "tun1", "tun2")
        assert inside.reaches(first.inside)
        assert echo_replies(inside) == 2, "none of the checks', though they have its address"
        # a check that only tells
        silence(second)
        await health(heard, "tun-2", HealthStatus.FAILED)
        assert used(lab, spec) == ["tun1", "tun2"]

    async def adopted(first: Customer) -> None:
        """Another agent goes on with what it finds."""
        silence(first)
        heard = Heard()
        async with opened(lab, heard) as (plane, _):
            await plane.apply(spec)
            await health(heard, "tun-1", HealthStatus.FAILED)
            await leads_over(lab, spec, "tun2")
        heard = Heard()
        async with opened(lab, heard) as (plane, found):
            assert found[spec.key] == spec.generation
            await plane.apply(spec)
            await heard.status("tun-1", UP)
            last = heard.last("tun-1")
            assert last is not None
            assert last.health is HealthStatus.FAILED
            assert used(lab, spec) == ["tun2"], "nothing moves because somebody has come to look"
            silence(first, silent=False)
            await leads_over(lab, spec, "tun1", "tun2")
            # without checks
            plain = tuple(msgspec.structs.replace(one, health=None) for one in spec.tunnels)
            await plane.apply(msgspec.structs.replace(spec, generation=2, tunnels=plain))
            await health(heard, "tun-1", HealthStatus.UNKNOWN)
            silence(first)
            assert used(lab, spec) == ["tun1", "tun2"]
            # and with them again
            await plane.apply(msgspec.structs.replace(spec, generation=3))
            assert used(lab, spec) == ["tun1", "tun2"], "nothing is known yet"
            await health(heard, "tun-1", HealthStatus.FAILED)
            await leads_over(lab, spec, "tun2")
            await plane.remove(spec.key)
            await plane.remove(vswitch().key)
            assert lab.nothing_left()

    sites: list[Customer] = []
    with ExitStack() as stack:
        play(lab, lambda plane, heard: scenario(plane, heard, stack))
        asyncio.run(adopted(sites[0]))
