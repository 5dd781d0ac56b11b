"""The tunnels of IPsec connections: one, or two of a dual-tunnel connection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from gatewright.resources.compile_tunnels import TunnelFacts
from gatewright.store.among import QueryAmong
from gatewright.store.schema import customer_gateways, instances, tunnels, vpn_connections, vpn_gateways
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class TunnelRow(msgspec.Struct, frozen=True):
    """One tunnel, as the table has it."""

    id: str
    connection_id: str
    #: None for an attachment's.
    gateway_id: str | None
    instance_id: str | None
    role: str
    #: 0 or 1: the order of a connection's tunnels.
    position: int
    #: Its number in the gateway.
    number: int
    customer_gateway_id: str
    #: Sealed.
    psk: bytes
    #: Raised with each change of the key.
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
    status: str
    bgp_status: str
    health_status: str
    detail: str
    #: See :mod:`gatewright.store.tunnel_states`.
    troubles: str
    learned: str
    #: How many these are.
    learned_count: int
    clock_ahead: int | None
    seen_at: int | None


class TunnelView(TunnelRow, frozen=True):
    """One tunnel with its two ends; of an attachment's own end nothing is known."""

    peer_address: str
    peer_asn: int | None
    #: The customer gateway's key, sealed.
    peer_key: bytes | None
    zone_id: str | None
    public_address: int | None
    private_address: int | None


class Beside(NamedTuple):
    """What of a gateway's tunnels a new or a changed one must keep apart from."""

    id: str
    connection_id: str
    role: str
    number: int
    peer_address: str
    bgp_network: str


class End(NamedTuple):
    """An instance that has tunnels, with BGP or without."""

    vpc_id: str
    instance_id: str
    role: str
    private_address: int
    #: Whether the tunnels that the row is about have BGP, and the gateway tells its VPC what customers announce.
    bgp: bool
    propagates: bool


class _Connection(NamedTuple):
    id: str


_c = tunnels.c
_COLUMNS = tuple(_c[name] for name in TunnelRow.__struct_fields__)
_VIEW = (
    select(
        *_COLUMNS,
        customer_gateways.c.ip_address,
        customer_gateways.c.asn,
        customer_gateways.c.auth_key,
        instances.c.zone_id,
        instances.c.public_address,
        instances.c.private_address,
    )
    .select_from(tunnels)
    .join(customer_gateways, customer_gateways.c.id == _c.customer_gateway_id)
    .outerjoin(instances, instances.c.id == _c.instance_id)
)
_OF_CONNECTIONS = QueryAmong(_VIEW, _c.connection_id, TunnelView)
_OF_THEIR_ROWS = {
    "peer_id": customer_gateways.c.id,
    "peer_address": customer_gateways.c.ip_address,
    "peer_asn": customer_gateways.c.asn,
    "peer_has_key": customer_gateways.c.auth_key.is_not(None),
    "peer_key_version": customer_gateways.c.auth_key_version,
}
_FACTS = QueryAmong(
    select(
        *(
            _OF_THEIR_ROWS[name] if name in _OF_THEIR_ROWS else (_c[name] if name in _c else vpn_connections.c[name])
            for name in TunnelFacts.__struct_fields__
        )
    )
    .select_from(tunnels)
    .join(vpn_connections, vpn_connections.c.id == _c.connection_id)
    .join(customer_gateways, customer_gateways.c.id == _c.customer_gateway_id),
    _c.gateway_id,
    TunnelFacts,
)
_BESIDE = Query(
    select(_c.id, _c.connection_id, _c.role, _c.number, customer_gateways.c.ip_address, _c.bgp_network)
    .select_from(tunnels)
    .join(customer_gateways, customer_gateways.c.id == _c.customer_gateway_id)
    .where(_c.gateway_id == bindparam("of_gateway")),
    Beside,
)
_ENDS = QueryAmong(
    select(
        vpn_gateways.c.vpc_id,
        instances.c.id,
        instances.c.role,
        instances.c.private_address,
        _c.bgp_enabled,
        vpn_gateways.c.auto_propagate,
    )
    .select_from(tunnels)
    .join(instances, instances.c.id == _c.instance_id)
    .join(vpn_gateways, vpn_gateways.c.id == _c.gateway_id)
    .distinct(),
    vpn_gateways.c.vpc_id,
    End,
)
_WITH_BGP = Statement(
    select(_c.connection_id)
    .where(_c.gateway_id == bindparam("of_gateway"), _c.bgp_enabled.is_(True))
    .order_by(_c.connection_id)
    .limit(1)
)
_OWNERS = QueryAmong(select(_c.connection_id).distinct(), _c.id, _Connection)
_IS = _c.id == bindparam("of_id")
_ADD = Statement(insert(tunnels))
#: What an agent sees changes by itself.
_SEEN = (
    "status",
    "bgp_status",
    "health_status",
    "detail",
    "troubles",
    "learned",
    "learned_count",
    "clock_ahead",
    "seen_at",
)
_FIXED = ("id", "connection_id", "gateway_id", "instance_id", "role", "position", "number")
_CHANGEABLE = tuple(name for name in TunnelRow.__struct_fields__ if name not in (*_FIXED, *_SEEN))
_CHANGE = Statement(update(tunnels).where(_IS).values({name: bindparam(f"new_{name}") for name in _CHANGEABLE}))
_DROP_OF = Statement(delete(tunnels).where(_c.connection_id == bindparam("of_connection")))


def add(transaction: Transaction, rows: Sequence[TunnelRow]) -> None:
    """Add tunnels."""
    transaction.run_each(_ADD, [msgspec.structs.asdict(row) for row in rows])


def of_connections(transaction: Transaction, connection_ids: Sequence[str]) -> dict[str, list[TunnelView]]:
    """The tunnels of some connections, each connection's in their order."""
    found: dict[str, list[TunnelView]] = defaultdict(list)
    for row in sorted(_OF_CONNECTIONS.rows(transaction, connection_ids), key=lambda row: row.position):
        found[row.connection_id].append(row)
    return found


def owners(transaction: Transaction, tunnel_ids: Sequence[str]) -> list[str]:
    """The ids of the connections that some tunnels belong to."""
    return sorted({row.id for row in _OWNERS.rows(transaction, tunnel_ids)})


def facts(transaction: Transaction, gateway_ids: Sequence[str]) -> dict[str, list[TunnelFacts]]:
    """What the tunnels of some gateways are compiled from, by the instance that they end at."""
    found: dict[str, list[TunnelFacts]] = defaultdict(list)
    for row in _FACTS.rows(transaction, gateway_ids):
        found[row.instance_id].append(row)
    return found


def beside(transaction: Transaction, gateway_id: str) -> list[Beside]:
    """All tunnels of a gateway."""
    return transaction.all(_BESIDE, of_gateway=gateway_id)


def ends(transaction: Transaction, vpc_ids: Sequence[str]) -> list[End]:
    """The instances of some VPCs' gateways that have tunnels, each once for those with BGP and for those without."""
    return _ENDS.rows(transaction, vpc_ids)


def one_with_bgp(transaction: Transaction, gateway_id: str) -> str | None:
    """The id of a connection of a gateway that has BGP, or None."""
    found: str | None = transaction.scalar(_WITH_BGP, of_gateway=gateway_id)
    return found


def change(transaction: Transaction, row: TunnelRow) -> None:
    """Store what can be modified of a tunnel, from a changed row."""
    transaction.run(_CHANGE, of_id=row.id, **{f"new_{name}": getattr(row, name) for name in _CHANGEABLE})


def drop_of(transaction: Transaction, connection_id: str) -> None:
    """Forget a connection's tunnels."""
    transaction.run(_DROP_OF, of_connection=connection_id)
