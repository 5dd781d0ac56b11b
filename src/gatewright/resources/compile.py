"""Rows to specs: the one place that says what a gateway's rows mean for the hosts that run it.

Pure. The same rows give the same document; a write raises a gateway's generation exactly when what its rows compile
to has changed.
"""

from __future__ import annotations

from sys import intern

import msgspec

from gatewright.resources.specs import InstanceSpec, PrivateLeg, PublicLeg, VSwitchSpec


class GatewayFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a gateway's row its instances depend on."""

    gateway_id: str
    account_id: str
    region_id: str
    generation: int
    bandwidth: int
    ipsec: bool
    ssl: bool
    ssl_connections: int
    auto_propagate: bool


class InstanceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One instance's own row, with the network of its vSwitch and of the public pool."""

    instance_id: str
    role: str
    zone_id: str
    vswitch_id: str
    vswitch_cidr: str
    private_address: str
    public_network: str
    #: Empty for a private gateway; the IKE address first.
    public_addresses: tuple[str, ...]


def compile_instance(gateway: GatewayFacts, instance: InstanceFacts) -> InstanceSpec:
    """The spec of one instance. Texts that recur are shared: an agent keeps the specs of thousands."""
    public = None
    if instance.public_addresses:
        public = PublicLeg(addresses=instance.public_addresses, network=intern(instance.public_network))
    return InstanceSpec(
        id=instance.instance_id,
        generation=gateway.generation,
        gateway_id=gateway.gateway_id,
        account_id=intern(gateway.account_id),
        region_id=intern(gateway.region_id),
        zone_id=intern(instance.zone_id),
        role=intern(instance.role),
        public=public,
        private=PrivateLeg(
            vswitch_id=intern(instance.vswitch_id),
            address=instance.private_address,
            network=intern(instance.vswitch_cidr),
        ),
        bandwidth=gateway.bandwidth,
        ipsec=gateway.ipsec,
        ssl=gateway.ssl,
        ssl_connections=gateway.ssl_connections if gateway.ssl else 0,
        auto_propagate=gateway.auto_propagate,
    )


def compile_vswitch(vswitch_id: str, vpc_id: str, zone_id: str, cidr_block: str) -> VSwitchSpec:
    """The spec of a vSwitch on one host. Nothing of a vSwitch that a host depends on can change: generation 1."""
    return VSwitchSpec(id=vswitch_id, generation=1, vpc_id=vpc_id, zone_id=zone_id, cidr_block=cidr_block)
