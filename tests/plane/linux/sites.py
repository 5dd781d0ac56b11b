"""Gateways with tunnels, and who is at both ends of them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import msgspec

from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnel_states import TunnelStatus
from gatewright.resources.tunnels import TunnelSpec, VpnRoute
from tests.plane.linux.customer import Customer, customer, tunnel
from tests.plane.linux.lab import Lab, instance
from tests.plane.linux.machines import Machine, Machines

UP = TunnelStatus.IPSEC_SA_ESTABLISHED
DOWN = TunnelStatus.IKE_SA_NOT_ESTABLISHED
VPC = "10.9.1.0/24"


def gateway(*tunnels: TunnelSpec, **more: Any) -> InstanceSpec:
    """An instance with tunnels; each of those that routes decide about leads to 172.16.<number>.0/24."""
    routes = tuple(
        VpnRoute(destination=f"172.16.{one.number}.0/24", tunnel=one.number, weight=100)
        for one in tunnels
        if one.routed
    )
    changes: dict[str, Any] = {
        "tunnels": tunnels,
        "vpn_routes": routes,
        "vpc_networks": (VPC,),
        "bandwidth": 1000,
    } | more
    return msgspec.structs.replace(instance(), **changes)


def carrying(number: int = 1, **more: Any) -> InstanceSpec:
    """An instance with one tunnel, which has the same number and waits for traffic: with all the daemons there are."""
    made = tunnel(number, f"203.0.113.{number}", initiate=False)
    return msgspec.structs.replace(instance(number, **more), tunnels=(made,))


def machine(machines: Machines, lab: Lab) -> Machine:
    """A machine in the vSwitch that sends what is for customers to the instance."""
    return machines.plug(lab.names.vswitch("vsw-1").name, "10.9.1.20/24", "10.9.1.1")


def site(stack: ExitStack, machines: Machines, lab: Lab, number: int = 1) -> Customer:
    address = f"198.51.100.{49 + number}/24"
    made = stack.enter_context(customer(machines, lab.names.uplink.name, address, f"172.16.{number}.0/24"))
    made.route(VPC)
    return made
