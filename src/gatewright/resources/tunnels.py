"""What an instance is told of IPsec: its tunnels, where their traffic goes, and what it offers its VPC's router.

Parts of :class:`~gatewright.resources.specs.InstanceSpec`. Algorithms are in the API's words, which the operations'
enums and :mod:`gatewright.resources.spec_check` bound. A pre-shared key is referred to, never held.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from gatewright.resources import algorithms

#: Every destination: as both sides' subnets it says that routes decide, and not the tunnel's selectors.
EVERYWHERE = "0.0.0.0/0"


class SecretRef(NamedTuple):
    """Names one stored secret: the row that has it, and its version, which a change of its value raises."""

    id: str
    version: int


class IkeSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Phase 1, as ``IkeConfig`` has it."""

    #: ``ikev1`` or ``ikev2``.
    version: str
    #: ``main`` or ``aggressive``; IKEv2 has no such choice.
    mode: str
    encryption: str
    authentication: str
    #: The Diffie-Hellman group, ``group2`` for example.
    group: str
    #: Seconds until it is negotiated anew; 0 for never.
    lifetime: int
    #: An address or a name, never empty.
    local_id: str
    remote_id: str


class IpsecSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Phase 2, as ``IpsecConfig`` has it."""

    encryption: str
    authentication: str
    #: The group of perfect forward secrecy, or ``disabled``.
    group: str
    #: Seconds; 0 for never.
    lifetime: int


class BgpSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """BGP with the customer inside one tunnel."""

    local_asn: int
    peer_asn: int
    #: The /30 of the tunnel's two ends.
    network: str
    local_address: str
    peer_address: str
    #: TCP's MD5 key (the customer gateway's ``AuthKey``), if there is one.
    key: SecretRef | None = None


class HealthSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """ICMP through the tunnel, which decides whether it carries traffic."""

    source: str
    destination: str
    #: Seconds between two probes, and how many unanswered ones in a row mean that it does not.
    interval: float
    retry: int
    #: Whether traffic leaves a tunnel that fails (``revoke_route``), or stays (``reserve_route``).
    revokes: bool = True


class TunnelSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One IKE SA with its CHILD SAs: a connection's only tunnel, or one of its two."""

    id: str
    connection_id: str
    #: Unlike that of any other tunnel of the gateway, from 1: part of the names of links, an XFRM ``if_id``.
    number: int
    #: ``master`` or ``slave``.
    role: str
    #: The customer gateway's address.
    peer: str
    psk: SecretRef
    ike: IkeSpec
    ipsec: IpsecSpec
    #: Selectors. Both :data:`EVERYWHERE` alone: routes decide.
    local_subnets: tuple[str, ...]
    remote_subnets: tuple[str, ...]
    dpd: bool = True
    nat_traversal: bool = True
    #: Begin to negotiate at once (``EffectImmediately``), and not only when there is traffic for it.
    initiate: bool = False
    bgp: BgpSpec | None = None
    health: HealthSpec | None = None

    @property
    def link(self) -> str:
        """The interface in the instance's namespace, whatever carries its ESP."""
        return link_name(self.number)

    @property
    def routed(self) -> bool:
        """Whether routes decide what goes through it, and not its selectors."""
        return self.local_subnets == self.remote_subnets == (EVERYWHERE,)


class VpnRoute(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A destination-based route: the heavier one of those whose tunnel carries is used."""

    destination: str
    #: A tunnel of this instance, by its number.
    tunnel: int
    #: 100 for the active one, 0 for the standby.
    weight: int


class VpnPolicy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A policy-based route; it goes before any destination-based one."""

    source: str
    destination: str
    tunnel: int
    weight: int
    #: 1 to 100, the smallest first.
    priority: int


class Announcement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the VPC's router is offered as long as one of the tunnels carries."""

    destination: str
    tunnels: tuple[int, ...]


class RouterNeighbour(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An instance that a VPC's router learns from what it reaches."""

    instance_id: str
    #: Its private address.
    address: str
    #: The greatest of those that offer a destination is used.
    preference: int


def negotiated(tunnel: TunnelSpec) -> TunnelSpec:
    """A tunnel with what its two ends agree upon, and one value for everything else.

    Where this differs, SAs are negotiated anew; where something else does, those that stand go on.
    """
    ike, ipsec = tunnel.ike, tunnel.ipsec
    if ike.version != "ikev1":
        ike = msgspec.structs.replace(ike, mode=algorithms.IKE_MODES[0])
    if ipsec.encryption in algorithms.MODERN_ENCRYPTION:
        # it authenticates by itself
        ipsec = msgspec.structs.replace(ipsec, authentication=algorithms.AUTHENTICATION[0])
    return msgspec.structs.replace(
        tunnel, ike=ike, ipsec=ipsec, nat_traversal=True, initiate=False, bgp=None, health=None
    )


def link_name(number: int) -> str:
    """The name of a tunnel's interface in its instance's namespace."""
    return f"tun{number}"
