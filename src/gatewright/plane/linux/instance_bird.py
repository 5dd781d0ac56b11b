"""What an instance has its BIRD do, worked out from its spec without touching anything.

It offers the VPC's router what the instance can reach now, by a link of a tunnel that is up, and speaks BGP with
customers inside tunnels. What these announce is in a kernel table of its own routes, behind those that were ordered.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path

from gatewright.plane.linux import bird_config
from gatewright.plane.linux.bird_config import Customer, Device, Instance
from gatewright.plane.linux.names import LAN
from gatewright.plane.linux.routing import KernelRule, RoutingRtnl
from gatewright.plane.linux.tunnels import marks
from gatewright.plane.linux.vpn_routing import DESTINATIONS
from gatewright.resources.addresses import router_address
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import SecretRef, TunnelSpec

#: The priority of the rule that leads what comes in from the vSwitch to what customers announce, which is in the table
#: of destination-based routes, behind them: after all rules about what was ordered, before main.
RULES = range(1301, 1302)
#: What customers are to prefer: the master instance's.
_METRICS = {"master": 0, "slave": 100}


def secrets(spec: InstanceSpec) -> list[SecretRef]:
    """The keys of BGP that the configuration will hold."""
    return [tunnel.bgp.key for tunnel in spec.tunnels if tunnel.bgp is not None and tunnel.bgp.key is not None]


def configuration(spec: InstanceSpec, keys: Mapping[SecretRef, str], log: Path) -> bytes | None:
    """The configuration of the instance's BIRD, which writes to ``log``; None if it is to have none.

    Raises ValueError if the spec has what cannot be, or a key is missing.
    """
    return bird_config.instance(wanted(spec, keys), log) if needed(spec) else None


def needed(spec: InstanceSpec) -> bool:
    """Whether the instance has a BIRD at all."""
    return spec.ipsec and bool(spec.tunnels)


def wanted(spec: InstanceSpec, keys: Mapping[SecretRef, str]) -> Instance:
    """The same as values."""
    tunnels = {tunnel.number: tunnel for tunnel in spec.tunnels}
    return Instance(
        address=spec.private.address,
        link=LAN,
        router=router_address(ipaddress.IPv4Network(spec.private.network)),
        table=DESTINATIONS,
        announced=tuple(
            _device(offer.destination, tunnels[number])
            for offer in spec.announced
            for number in offer.tunnels
            if number in tunnels
        ),
        customers=tuple(found for tunnel in spec.tunnels if (found := _customer(spec, tunnel, keys)) is not None),
        networks=spec.vpc_networks or (spec.private.network,),
        propagates=spec.auto_propagate,
    )


def ensure_rules(inside: RoutingRtnl, spec: InstanceSpec) -> None:
    """Have what the vSwitch sends looked up among what customers announce. Raises PlaneError."""
    inside.set_rules(RULES, _rules(spec))


def rules_fault(inside: RoutingRtnl, spec: InstanceSpec) -> str | None:
    """What :func:`ensure_rules` would change, for people. Raises PlaneError."""
    return inside.rules_fault(RULES, _rules(spec))


def _rules(spec: InstanceSpec) -> tuple[KernelRule, ...]:
    if not needed(spec) or all(tunnel.bgp is None for tunnel in spec.tunnels):
        return ()
    return (KernelRule(RULES.start, DESTINATIONS, iif=LAN),)


def _device(destination: str, tunnel: TunnelSpec) -> Device:
    usable = marks.usable(tunnel.number).neighbour if marks.checked(tunnel) else None
    return Device(destination, tunnel.link, usable=usable, steady=marks.steady(tunnel.number).neighbour)


def _customer(spec: InstanceSpec, tunnel: TunnelSpec, keys: Mapping[SecretRef, str]) -> Customer | None:
    bgp = tunnel.bgp
    if bgp is None:
        return None
    if bgp.key is not None and bgp.key not in keys:
        raise ValueError(f"nobody knows the BGP key {bgp.key.id} of tunnel {tunnel.id}")
    return Customer(
        number=tunnel.number,
        link=tunnel.link,
        local_asn=bgp.local_asn,
        peer_asn=bgp.peer_asn,
        local_address=bgp.local_address,
        peer_address=bgp.peer_address,
        key=None if bgp.key is None else keys[bgp.key],
        metric=_METRICS.get(spec.role, 0),
    )
