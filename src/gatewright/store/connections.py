"""IPsec connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from gatewright.store.among import QueryAmong
from gatewright.store.paging import Listing
from gatewright.store.schema import tunnels, vpn_connections, vpn_gateways
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class ConnectionRow(msgspec.Struct, frozen=True):
    """One connection, as the table has it."""

    id: str
    account_id: str
    region_id: str
    resource_group_id: str
    #: None for an attachment.
    gateway_id: str | None
    attach_type: str
    network_type: str
    #: Of an attachment, ``Standard`` or ``Large``; else empty.
    tunnel_bandwidth: str
    name: str
    #: Comma-separated networks.
    local_subnets: str
    remote_subnets: str
    auto_config_route: bool
    effect_immediately: bool
    dual_tunnel: bool
    enable_tunnels_bgp: bool
    health_enabled: bool
    health_destination: str
    health_source: str
    #: Seconds.
    health_interval: int
    health_retry: int
    health_policy: str
    created_at: int


class ConnectionView(ConnectionRow, frozen=True):
    """One connection with what its gateway adds, which is None for an attachment."""

    gateway_group_id: str | None
    gateway_network_type: str | None
    gateway_bandwidth: int | None


class _Gateway(NamedTuple):
    id: str


_c = vpn_connections.c
_COLUMNS = tuple(_c[name] for name in ConnectionRow.__struct_fields__)
_VIEW = (
    select(
        *_COLUMNS,
        vpn_gateways.c.resource_group_id.label("gateway_group_id"),
        vpn_gateways.c.network_type.label("gateway_network_type"),
        vpn_gateways.c.bandwidth.label("gateway_bandwidth"),
    )
    .select_from(vpn_connections)
    .outerjoin(vpn_gateways, vpn_gateways.c.id == _c.gateway_id)
)
_IS = _c.id == bindparam("of_id")
_ADD = Statement(insert(vpn_connections))
_VIEW_ONE = Query(_VIEW.where(_IS, _c.account_id == bindparam("of_account")), ConnectionView)
_VIEWS = QueryAmong(_VIEW.where(_c.account_id == bindparam("of_account")), _c.id, ConnectionView)
_COUNT = Statement(select(func.count(_c.id)).where(_c.gateway_id == bindparam("of_gateway")))
_COUNT_ATTACHMENTS = Statement(
    select(func.count(_c.id)).where(
        _c.account_id == bindparam("of_account"), _c.region_id == bindparam("of_region"), _c.gateway_id.is_(None)
    )
)
_ONE_OF = Statement(select(_c.id).where(_c.gateway_id == bindparam("of_gateway")).order_by(_c.id).limit(1))
_CONNECTED_IN = Query(
    select(_c.gateway_id)
    .join(vpn_gateways, vpn_gateways.c.id == _c.gateway_id)
    .where(vpn_gateways.c.vpc_id == bindparam("of_vpc"))
    .distinct()
    .order_by(_c.gateway_id),
    _Gateway,
)
_CHANGEABLE = (
    "name",
    "network_type",
    "local_subnets",
    "remote_subnets",
    "auto_config_route",
    "effect_immediately",
    "enable_tunnels_bgp",
    "health_enabled",
    "health_destination",
    "health_source",
    "health_interval",
    "health_retry",
    "health_policy",
)
_CHANGE = Statement(update(vpn_connections).where(_IS).values({name: bindparam(f"new_{name}") for name in _CHANGEABLE}))
_MOVE = Statement(update(vpn_connections).where(_IS).values(resource_group_id=bindparam("new_group")))
_DROP = Statement(delete(vpn_connections).where(_IS))
#: A filter of :func:`page`: the group. A gateway's connections are in its group, attachments in one of their own.
GROUP = "gateway_group_id"
#: Another: a customer gateway that a tunnel leads to.
PEER = "customer_gateway_id"
_LISTING = Listing(
    _VIEW,
    vpn_connections,
    ConnectionView,
    {GROUP: func.coalesce(vpn_gateways.c.resource_group_id, _c.resource_group_id)},
    {PEER: (tunnels.c.customer_gateway_id, tunnels.c.connection_id)},
)


def add(transaction: Transaction, row: ConnectionRow) -> None:
    """Add a connection."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def view(transaction: Transaction, account_id: str, connection_id: str) -> ConnectionView | None:
    """An account's connection, or None."""
    return transaction.one(_VIEW_ONE, of_account=account_id, of_id=connection_id)


def views(transaction: Transaction, account_id: str, connection_ids: Sequence[str]) -> list[ConnectionView]:
    """Those of an account's connections that have these ids, the oldest first."""
    found = _VIEWS.rows(transaction, connection_ids, of_account=account_id)
    return sorted(found, key=lambda row: (row.created_at, row.id))


def count(transaction: Transaction, gateway_id: str) -> int:
    """How many connections a gateway has."""
    return int(transaction.scalar(_COUNT, of_gateway=gateway_id))


def count_attachments(transaction: Transaction, account_id: str, region_id: str) -> int:
    """How many attachments an account has in a region."""
    return int(transaction.scalar(_COUNT_ATTACHMENTS, of_account=account_id, of_region=region_id))


def of_a_gateway(transaction: Transaction, account_id: str, connection_id: str) -> ConnectionView | None:
    """An account's connection of a VPN gateway, or None."""
    row = view(transaction, account_id, connection_id)
    return None if row is None or row.gateway_id is None else row


def attachment(transaction: Transaction, account_id: str, connection_id: str) -> ConnectionView | None:
    """An account's attachment, or None."""
    row = view(transaction, account_id, connection_id)
    return None if row is None or row.gateway_id is not None else row


def one_of(transaction: Transaction, gateway_id: str) -> str | None:
    """The id of a connection of a gateway, or None."""
    found: str | None = transaction.scalar(_ONE_OF, of_gateway=gateway_id)
    return found


def connected_in(transaction: Transaction, vpc_id: str) -> list[str]:
    """The ids of the gateways in a VPC that have connections."""
    return [row.id for row in transaction.all(_CONNECTED_IN, of_vpc=vpc_id)]


def change(transaction: Transaction, row: ConnectionRow) -> None:
    """Store what can be modified of a connection, from a changed row."""
    transaction.run(_CHANGE, of_id=row.id, **{f"new_{name}": getattr(row, name) for name in _CHANGEABLE})


def move(transaction: Transaction, connection_id: str, resource_group_id: str) -> None:
    """Put an attachment into another resource group."""
    transaction.run(_MOVE, of_id=connection_id, new_group=resource_group_id)


def drop(transaction: Transaction, connection_id: str) -> None:
    """Forget a connection."""
    transaction.run(_DROP, of_id=connection_id)


def page(
    transaction: Transaction, filters: Mapping[str, Any], *, number: int, size: int
) -> tuple[list[ConnectionView], int]:
    """One page, and the total."""
    return _LISTING.page(transaction, filters, number=number, size=size)
