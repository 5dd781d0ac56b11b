"""The desired state of what a host runs, as immutable documents.

A spec is everything that a plane needs to build one item, and nothing else: it refers to secrets by id and
version and never holds them. :mod:`gatewright.resources.compile` makes specs, the link carries them, planes
apply them. They hold no cycles, so the collector of garbage need not know them: an agent has many.
"""

from __future__ import annotations

import enum
from typing import Annotated, NamedTuple

import msgspec

from gatewright.resources.tunnels import Announcement, RouterNeighbour, TunnelSpec, VpnPolicy, VpnRoute

#: Raised when a spec's fields change in a way that an older agent must know of.
SCHEMA_VERSION = 3


#: What an item may be called: it becomes part of names, paths and lines of logs on hosts.
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\Z"
#: Holds for what is decoded, that is for all that comes over a link.
ItemId = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]


class Kind(enum.StrEnum):
    """What a host can be asked to run."""

    VSWITCH = "vswitch"
    #: The router of one VPC.
    ROUTER = "router"
    INSTANCE = "instance"


class ItemKey(NamedTuple):
    """Names one item of one host."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class VSwitchSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag=Kind.VSWITCH.value):
    """A layer-2 network of one zone. Gateways' private legs and people's own machines are plugged into it."""

    id: ItemId
    generation: int
    vpc_id: str
    zone_id: str
    cidr_block: str
    #: The number of its VXLAN, 1 to 16777215: what tells its frames from another's between hosts.
    vni: int = 0
    #: Addresses of the other hosts that it spans, in the network between the hosts; empty if it is on this one alone.
    peers: tuple[str, ...] = ()

    @property
    def key(self) -> ItemKey:
        return ItemKey(Kind.VSWITCH, self.id)


class RouterPort(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a VPC's router is plugged into one of its vSwitches."""

    vswitch_id: ItemId
    #: The router's address there, the default gateway of the vSwitch's machines.
    address: str
    network: str
    #: The table that decides where packets go that come in here.
    route_table_id: ItemId


class Route(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A custom entry of a route table."""

    destination: str
    #: Private addresses of the instances that it leads to, the one to be preferred first.
    next_hops: tuple[str, ...]


class RouteTable(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One of a VPC's route tables. Its vSwitches' own networks are in all of them, and not listed."""

    id: ItemId
    routes: tuple[Route, ...]
    #: Whether what customers of gateways that propagate it announce by BGP comes into it by itself.
    learns: bool = False


class RouterSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag=Kind.ROUTER.value):
    """The router of one VPC: on one host, in front of all the vSwitches of the VPC."""

    #: The VPC's id.
    id: ItemId
    generation: int
    account_id: str
    #: In the order of the vSwitches' ids.
    ports: tuple[RouterPort, ...]
    #: Those that a port uses, in the order of their ids.
    tables: tuple[RouteTable, ...]
    #: The instances of the VPC's gateways that have tunnels, in the order of their ids.
    gateways: tuple[RouterNeighbour, ...] = ()

    @property
    def key(self) -> ItemKey:
        return ItemKey(Kind.ROUTER, self.id)


class PublicLeg(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How an instance is reached from outside."""

    #: The first is the address IKE answers on; SSL-VPN of a dual-tunnel gateway has one of its own.
    addresses: tuple[str, ...]
    #: The public pool's network, on-link on the uplink.
    network: str


class PrivateLeg(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How an instance is reached from its VPC."""

    vswitch_id: ItemId
    address: str
    network: str


class InstanceSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag=Kind.INSTANCE.value):
    """One half of a VPN gateway: one network namespace on one host, in one zone."""

    id: ItemId
    generation: int
    gateway_id: str
    account_id: str
    region_id: str
    zone_id: str
    #: ``master`` or ``slave``, the API's words for the two tunnels' ends; a single-tunnel gateway has a master only.
    role: str
    #: None for a gateway whose ``NetworkType`` is ``private``.
    public: PublicLeg | None
    private: PrivateLeg
    #: The ordered bandwidth, Mbit/s, all services of the instance together.
    bandwidth: int
    ipsec: bool
    ssl: bool
    #: How many SSL clients may be connected at a time; 0 without SSL-VPN.
    ssl_connections: int
    auto_propagate: bool
    #: In the order of their numbers; those of the gateway's connections that end at this instance.
    tunnels: tuple[TunnelSpec, ...] = ()
    vpn_routes: tuple[VpnRoute, ...] = ()
    vpn_policies: tuple[VpnPolicy, ...] = ()
    announced: tuple[Announcement, ...] = ()
    #: The VPC's networks: what customers are told by BGP, and what none of them can take over.
    vpc_networks: tuple[str, ...] = ()

    @property
    def key(self) -> ItemKey:
        return ItemKey(Kind.INSTANCE, self.id)


Spec = VSwitchSpec | RouterSpec | InstanceSpec


def needs(spec: Spec) -> tuple[ItemKey, ...]:
    """The items that have to be there before this one: the vSwitches that it is plugged into."""
    if isinstance(spec, InstanceSpec):
        return (ItemKey(Kind.VSWITCH, spec.private.vswitch_id),)
    if isinstance(spec, RouterSpec):
        return tuple(ItemKey(Kind.VSWITCH, port.vswitch_id) for port in spec.ports)
    return ()


class Tombstone(msgspec.Struct, frozen=True, tag_field="kind", tag="tombstone"):
    """Something that a host must remove. It stays in the host's set until the agent has confirmed the removal."""

    of: Kind
    id: ItemId

    @property
    def key(self) -> ItemKey:
        return ItemKey(self.of, self.id)


class Phase(enum.StrEnum):
    """How far an agent is with one item."""

    APPLYING = "applying"
    READY = "ready"
    #: Applying failed; the agent tries again by itself, `detail` says why.
    FAILED = "failed"
    REMOVED = "removed"


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent saw of one item, last."""

    kind: Kind
    id: ItemId
    #: The generation of the spec that was being applied or stands applied; 0 for a removed item.
    generation: int
    phase: Phase
    detail: str = ""

    @property
    def key(self) -> ItemKey:
        return ItemKey(self.kind, self.id)
