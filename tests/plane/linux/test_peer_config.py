"""What `gatewright peer-config` prints for strongSwan is put at its places, and the tunnel comes up and carries."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest

from gatewright.peers import VENDORS
from gatewright.plane.linux import LinuxPlane
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnel_states import BgpStatus, TunnelStatus
from gatewright.resources.tunnels import VpnRoute
from tests.plane.linux.customer import Customer, customer, tunnel
from tests.plane.linux.lab import Lab, instance, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.peer_config_site import peer_of, running, speaking
from tests.plane.linux.test_bgp_tunnels import BGP
from tests.plane.linux.tunnel_watch import Heard, Secrets, play
from tests.support.patience import patience

VPC, SITE = "10.9.1.0/24", "172.16.1.0/24"
#: All that ends a string, begins a comment or a variable, and what is taken for Base64.
NASTY = "0s\\\"#{}='$(x)`%any!?;\\"

#: A tunnel of the gateway; the site begins.
TUNNELS: dict[str, dict[str, Any]] = {
    "routes decide, IKEv2": {},
    "BGP": {"bgp": BGP},
    "subnets, IKEv1, aggressive, a name": {
        "version": "ikev1",
        "mode": "aggressive",
        "local": (VPC,),
        "remote": (SITE, "172.17.0.0/24"),
        "ike": {"remote_id": "office@example.org", "encryption": "3des", "authentication": "md5", "group": "group2"},
        "ipsec": {"group": "disabled", "authentication": "sha1"},
    },
}


def comes_to_reach(machine: Machine, address: str, site: Customer) -> None:
    """The gateway may tell of a tunnel before the site has made its routes, or the site may begin anew."""
    deadline = time.monotonic() + patience(10)
    while not machine.reaches(address):
        assert time.monotonic() < deadline, site.log()


USERSPACE, KERNEL = "strongswan-userspace", "strongswan"


@pytest.mark.parametrize(
    ("kind", "vendor"),
    [
        *((kind, USERSPACE) for kind in TUNNELS),
        # one, because the emulated machine takes its time
        pytest.param("routes decide, IKEv2", KERNEL, marks=pytest.mark.kernel_esp),
    ],
)
def test_strongswan_comes_up_with_what_is_printed(kind: str, vendor: str, lab: Lab, machines: Machines) -> None:
    one = tunnel(initiate=False, **TUNNELS[kind])
    routes = (VpnRoute(destination=SITE, tunnel=1, weight=100),) if one.routed and one.bgp is None else ()
    spec: InstanceSpec = msgspec.structs.replace(
        instance(), tunnels=(one,), vpn_routes=routes, vpc_networks=(VPC,), bandwidth=1000
    )
    secrets = Secrets()
    secrets.values[one.psk] = NASTY

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        with ExitStack() as stack:
            bridge = lab.names.uplink.name
            site = stack.enter_context(customer(machines, bridge, gateway="198.51.100.254", started=False))
            if not one.routed:
                site.router.ip("address", "add", "172.17.0.1/24", "dev", "lan")
            told = VENDORS[vendor].write(peer_of(one, NASTY, (SITE, VPC)))
            stack.enter_context(running(site.router, site.folder, told))
            inside = machines.plug(lab.names.vswitch("vsw-1").name, "10.9.1.20/24", "10.9.1.1")
            try:
                await heard.status("tun-1", TunnelStatus.IPSEC_SA_ESTABLISHED)
            except AssertionError as error:
                raise AssertionError(f"{error}\nof the site:\n{site.log()}") from None
            if one.bgp is not None:
                stack.enter_context(speaking(site.router, site.folder))
                await heard.until(lambda: any(state.bgp is BgpStatus.UP for state in heard.states), 20)
            await asyncio.to_thread(comes_to_reach, inside, site.inside, site)
            assert site.host.reaches("10.9.1.20"), site.log()

    play(lab, scenario, secrets=secrets)
