"""IPsec tunnels of real instances: packets between a machine in the vSwitch and a host at a customer's."""

from __future__ import annotations

from contextlib import ExitStack

import msgspec

from gatewright.plane.linux import LinuxPlane
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnel_states import TunnelStatus
from gatewright.resources.tunnels import TunnelSpec, VpnRoute
from tests.plane.linux.customer import Customer, customer, tunnel
from tests.plane.linux.lab import Lab, instance, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.tunnel_watch import Heard, play

UP = TunnelStatus.IPSEC_SA_ESTABLISHED
DOWN = TunnelStatus.IKE_SA_NOT_ESTABLISHED
VPC = "10.9.1.0/24"


def gateway(*tunnels: TunnelSpec, **more: object) -> InstanceSpec:
    """An instance with tunnels; each of those that routes decide about leads to 172.16.<number>.0/24."""
    routes = tuple(
        VpnRoute(destination=f"172.16.{one.number}.0/24", tunnel=one.number, weight=100)
        for one in tunnels
        if one.routed
    )
    changes = {"tunnels": tunnels, "vpn_routes": routes, "vpc_networks": (VPC,), "bandwidth": 1000} | more
    return msgspec.structs.replace(instance(), **changes)


def machine(machines: Machines, lab: Lab) -> Machine:
    """A machine in the vSwitch that sends what is for customers to the instance."""
    return machines.plug(lab.names.vswitch("vsw-1").name, "10.9.1.20/24", "10.9.1.1")


def site(stack: ExitStack, machines: Machines, lab: Lab, number: int = 1) -> Customer:
    address = f"198.51.100.{49 + number}/24"
    made = stack.enter_context(customer(machines, lab.names.uplink.name, address, f"172.16.{number}.0/24"))
    made.route(VPC)
    return made


def test_a_tunnel_carries_packets_both_ways_and_leaves_nothing_behind(lab: Lab, machines: Machines) -> None:
    spec = gateway(tunnel())

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(msgspec.structs.replace(spec, tunnels=(), vpn_routes=()))
        with ExitStack() as stack:
            peer = site(stack, machines, lab)
            peer.answer(spec.tunnels[0])
            inside = machine(machines, lab)
            await plane.apply(spec)
            await heard.status("tun-1", UP)
            assert inside.reaches(peer.inside)
            assert peer.host.reaches("10.9.1.20")
        await plane.remove(spec.key)
        await plane.remove(vswitch().key)
        assert lab.nothing_left()

    play(lab, scenario)
