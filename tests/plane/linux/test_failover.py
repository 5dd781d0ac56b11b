"""Two instances with a real IPsec tunnel each: the VPC's packets go by the one that carries, whoever notices first."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import msgspec
import pytest

from gatewright.plane.linux import LinuxPlane, charon_config, esp, vici_conn
from gatewright.resources.specs import InstanceSpec, Spec
from gatewright.resources.tunnel_states import TunnelStatus
from gatewright.resources.tunnels import Announcement, VpnRoute
from tests.plane.linux.customer import Customer, customer, tunnel
from tests.plane.linux.lab import Lab, instance, kill, run, vswitch
from tests.plane.linux.machines import Machines
from tests.plane.linux.test_router import plug
from tests.plane.linux.test_routes_by_bird import BEHIND, ONE, OTHER, ROUTER, moves_to
from tests.plane.linux.tunnel_watch import Heard, opened
from tests.support.patience import patience

VPC = "10.9.0.0/16"
#: The same network is behind both ends of the customer's.
NETWORK = "172.16.1.0/24"


@pytest.fixture
def dpd(carried_by: esp.Backend, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether DPD is tried: a peer that is silent is gone after 3.4 s then, and not after 31.

    With one back end only: charon's DPD is the same with either, and such haste is nothing for an emulated machine.
    """
    if carried_by is not esp.Backend.USERSPACE:
        return False
    monkeypatch.setattr(vici_conn, "DPD_DELAY", 1)
    template = charon_config._TEMPLATE
    for here, there in (("timeout = 1.0", "timeout = 0.5"), ("tries = 5", "tries = 2")):
        assert template.count(f"retransmit_{here}") == 1
        template = template.replace(f"retransmit_{here}", f"retransmit_{there}")
    monkeypatch.setattr(charon_config, "_TEMPLATE", template)
    return True


def test_packets_go_by_the_tunnel_that_carries(
    lab: Lab, machines: Machines, carried_by: esp.Backend, dpd: bool
) -> None:
    specs: list[InstanceSpec] = []
    for number in (1, 2):
        address = f"198.51.100.{number}"
        carried = tunnel(number, f"198.51.100.{49 + number}", gateway=address)
        specs.append(
            msgspec.structs.replace(
                instance(number, vswitch=number, public=(address,), bandwidth=1000),
                role="master" if number == 1 else "slave",
                tunnels=(carried,),
                vpn_routes=(VpnRoute(destination=BEHIND, tunnel=number, weight=100),),
                announced=(Announcement(destination=BEHIND, tunnels=(number,)),),
                vpc_networks=(VPC,),
            )
        )

    async def prepare() -> None:
        async with opened(lab, Heard()) as (plane, _):
            for number in (1, 2):
                await plane.apply(vswitch(number))
            for spec in specs:
                bare = msgspec.structs.replace(spec, tunnels=(), vpn_routes=(), announced=())
                await plane.apply(bare)

    async def both_up(plane: LinuxPlane, heard: Heard) -> None:
        every: list[Spec] = [*specs, ROUTER]
        await asyncio.gather(*map(plane.apply, every))
        for number in (1, 2):
            await heard.status(f"tun-{number}", TunnelStatus.IPSEC_SA_ESTABLISHED, 20)
        assert await asyncio.to_thread(moves_to, lab, ONE)

    async def first() -> None:
        heard = Heard()
        async with asyncio.timeout(patience(60)), opened(lab, heard) as (plane, _):
            await both_up(plane, heard)
            assert await asyncio.to_thread(inside.reaches, sites[0].inside)
            # the customer's end of the master's tunnel goes
            await asyncio.to_thread(sites[0].stop)
            assert await asyncio.to_thread(moves_to, lab, OTHER)
            assert await asyncio.to_thread(inside.reaches, sites[0].inside)
            await asyncio.to_thread(begin, sites[0])
            assert await asyncio.to_thread(moves_to, lab, ONE)
            if dpd:
                await unnoticed_but_by_dpd(heard)

    async def unnoticed_but_by_dpd(heard: Heard) -> None:
        await asyncio.to_thread(silence, sites[0])
        assert await asyncio.to_thread(moves_to, lab, OTHER)
        await heard.until(lambda: any("DPD" in state.detail for state in heard.states))
        assert await asyncio.to_thread(inside.reaches, sites[1].inside)
        await asyncio.to_thread(silence, sites[0], silent=False)
        assert await asyncio.to_thread(moves_to, lab, ONE)

    async def mended() -> None:
        heard = Heard()
        async with asyncio.timeout(patience(60)), opened(lab, heard) as (plane, _):
            await both_up(plane, heard)
            assert await asyncio.to_thread(inside.reaches, sites[0].inside)

    def silence(site: Customer, *, silent: bool = True) -> None:
        port = "tm" + site.router.name.removeprefix("test-")
        run("bridge", "link", "set", "dev", port, "state", "disabled" if silent else "forwarding")

    def begin(site: Customer) -> None:
        site.start()
        site.answer(specs[sites.index(site)].tunnels[0])
        site.route(VPC)

    with ExitStack() as stack:
        asyncio.run(prepare())
        sites = [
            stack.enter_context(
                customer(
                    machines,
                    lab.names.uplink.name,
                    f"198.51.100.{49 + number}/24",
                    NETWORK,
                    # ESP in UDP, which user space needs at either end, gets no further than charon's socket
                    kernel_esp=carried_by is esp.Backend.KERNEL,
                )
            )
            for number in (1, 2)
        ]
        for site, spec in zip(sites, specs, strict=True):
            site.answer(spec.tunnels[0])
            site.route(VPC)
        inside = plug(lab, machines, 1)
        asyncio.run(first())
        # with no agent there: what carries the master's tunnel is killed
        own = lab.names.tunnel_namespace(specs[0].id, 1)
        carrying = [int(pid) for pid in run("ip", "netns", "pids", own, check=False).split()]
        for pid in carrying:
            kill(pid)
        assert carrying
        if carried_by is esp.Backend.USERSPACE:
            assert moves_to(lab, OTHER)
        # what it has agreed upon stands in the kernel, which goes on
        assert inside.reaches(sites[1].inside)
        asyncio.run(mended())
