"""Rows to tunnels: what an IPsec connection's rows mean for the instances that its tunnels end at. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from sys import intern

import msgspec

from gatewright.resources.bgp_addresses import other_end
from gatewright.resources.peers import GATEWAY_ASN
from gatewright.resources.tunnels import BgpSpec, HealthSpec, IkeSpec, IpsecSpec, SecretRef, TunnelSpec


class TunnelFacts(msgspec.Struct, frozen=True):
    """What of the rows of a tunnel, its connection and its customer gateway its instance depends on."""

    id: str
    connection_id: str
    gateway_id: str
    instance_id: str
    number: int
    role: str
    #: The customer gateway: its id, address, AS number and key.
    peer_id: str
    peer_address: str
    peer_asn: int | None
    peer_has_key: bool
    peer_key_version: int
    psk_version: int
    ike_version: str
    ike_mode: str
    ike_encryption: str
    ike_authentication: str
    ike_group: str
    ike_lifetime: int
    #: Empty for the addresses of the two ends.
    local_id: str
    remote_id: str
    ipsec_encryption: str
    ipsec_authentication: str
    ipsec_group: str
    ipsec_lifetime: int
    enable_dpd: bool
    enable_nat_traversal: bool
    bgp_enabled: bool
    bgp_local_asn: int | None
    bgp_network: str
    bgp_local_address: str
    #: Comma-separated networks.
    local_subnets: str
    remote_subnets: str
    effect_immediately: bool
    health_enabled: bool
    health_destination: str
    health_source: str
    #: Seconds.
    health_interval: int
    health_retry: int
    #: ``revoke_route`` or ``reserve_route``.
    health_policy: str


def compile_tunnels(facts: Iterable[TunnelFacts], own_address: str) -> tuple[TunnelSpec, ...]:
    """The tunnels of one instance, in the order of their numbers. ``own_address`` is where IKE answers there."""
    return tuple(compile_tunnel(each, own_address) for each in sorted(facts, key=lambda each: each.number))


def compile_tunnel(facts: TunnelFacts, own_address: str) -> TunnelSpec:
    """One tunnel of an instance whose IKE answers at ``own_address``."""
    return TunnelSpec(
        id=facts.id,
        connection_id=facts.connection_id,
        number=facts.number,
        role=intern(facts.role),
        peer=facts.peer_address,
        psk=SecretRef(facts.id, facts.psk_version),
        ike=IkeSpec(
            version=intern(facts.ike_version),
            mode=intern(facts.ike_mode),
            encryption=intern(facts.ike_encryption),
            authentication=intern(facts.ike_authentication),
            group=intern(facts.ike_group),
            lifetime=facts.ike_lifetime,
            local_id=facts.local_id or own_address,
            remote_id=facts.remote_id or facts.peer_address,
        ),
        ipsec=IpsecSpec(
            encryption=intern(facts.ipsec_encryption),
            authentication=intern(facts.ipsec_authentication),
            group=intern(facts.ipsec_group),
            lifetime=facts.ipsec_lifetime,
        ),
        local_subnets=tuple(facts.local_subnets.split(",")),
        remote_subnets=tuple(facts.remote_subnets.split(",")),
        dpd=facts.enable_dpd,
        nat_traversal=facts.enable_nat_traversal,
        initiate=facts.effect_immediately,
        bgp=_bgp(facts),
        health=_health(facts),
    )


def _bgp(facts: TunnelFacts) -> BgpSpec | None:
    if not facts.bgp_enabled or facts.peer_asn is None:
        return None
    return BgpSpec(
        local_asn=facts.bgp_local_asn or GATEWAY_ASN,
        peer_asn=facts.peer_asn,
        network=facts.bgp_network,
        local_address=facts.bgp_local_address,
        peer_address=other_end(facts.bgp_network, facts.bgp_local_address),
        key=SecretRef(facts.peer_id, facts.peer_key_version) if facts.peer_has_key else None,
    )


def _health(facts: TunnelFacts) -> HealthSpec | None:
    if not facts.health_enabled:
        return None
    return HealthSpec(
        source=facts.health_source,
        destination=facts.health_destination,
        interval=float(facts.health_interval),
        retry=facts.health_retry,
        revokes=facts.health_policy == "revoke_route",
    )
