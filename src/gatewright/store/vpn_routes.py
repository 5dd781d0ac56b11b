"""VPN gateways' destination-based routes. A gateway has few (a quota), so who changes them reads them whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from gatewright.store.among import QueryAmong
from gatewright.store.schema import vpn_routes
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class VpnRouteRow(msgspec.Struct, frozen=True):
    """One destination-based route, as the table has it."""

    gateway_id: str
    account_id: str
    destination: str
    #: The next hop.
    connection_id: str
    #: 100 for an active route, 0 for a standby one.
    weight: int
    #: Whether the system route table of the gateway's VPC has an entry because of it.
    published: bool
    description: str
    created_at: int


_COLUMNS = tuple(vpn_routes.c[name] for name in VpnRouteRow.__struct_fields__)
_ADD = Statement(insert(vpn_routes))
_OF_GATEWAYS = QueryAmong(select(*_COLUMNS), vpn_routes.c.gateway_id, VpnRouteRow)
#: As :func:`of_gateways` has them, from its end.
_NEWEST_FIRST = tuple(vpn_routes.c[each].desc() for each in ("created_at", "destination", "connection_id", "weight"))
_PAGE = Query(
    select(*_COLUMNS)
    .where(vpn_routes.c.gateway_id == bindparam("of_gateway"))
    .order_by(*_NEWEST_FIRST)
    .limit(bindparam("size"))
    .offset(bindparam("skip")),
    VpnRouteRow,
)
_COUNT = Statement(select(func.count()).where(vpn_routes.c.gateway_id == bindparam("of_gateway")))
_KEY = (
    vpn_routes.c.gateway_id == bindparam("of_gateway"),
    vpn_routes.c.destination == bindparam("leading_to"),
    vpn_routes.c.connection_id == bindparam("of_connection"),
    vpn_routes.c.weight == bindparam("of_weight"),
)
_CHANGE = Statement(
    update(vpn_routes).where(*_KEY).values(weight=bindparam("new_weight"), published=bindparam("new_published"))
)
_DROP = Statement(delete(vpn_routes).where(*_KEY))
_DROP_OF_CONNECTION = Statement(delete(vpn_routes).where(vpn_routes.c.connection_id == bindparam("of_connection")))
_WITHDRAW = Statement(
    update(vpn_routes)
    .where(vpn_routes.c.gateway_id == bindparam("of_gateway"), vpn_routes.c.destination == bindparam("leading_to"))
    .values(published=False)
)


def _key(row: VpnRouteRow) -> dict[str, Any]:
    return {
        "of_gateway": row.gateway_id,
        "leading_to": row.destination,
        "of_connection": row.connection_id,
        "of_weight": row.weight,
    }


def add(transaction: Transaction, row: VpnRouteRow) -> None:
    """Add a route that the gateway does not have."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def of_gateways(transaction: Transaction, gateway_ids: Sequence[str]) -> list[VpnRouteRow]:
    """The routes of some gateways, oldest first."""
    rows = _OF_GATEWAYS.rows(transaction, gateway_ids)
    return sorted(rows, key=lambda row: (row.created_at, row.destination, row.connection_id, row.weight))


def page(transaction: Transaction, gateway_id: str, *, number: int, size: int) -> list[VpnRouteRow]:
    """A page of a gateway's routes, from 1, the newest first."""
    return transaction.all(_PAGE, of_gateway=gateway_id, size=size, skip=(number - 1) * size)


def count(transaction: Transaction, gateway_id: str) -> int:
    """How many routes a gateway has."""
    return int(transaction.scalar(_COUNT, of_gateway=gateway_id))


def change(transaction: Transaction, row: VpnRouteRow, changed: VpnRouteRow) -> None:
    """Store the weight and the publication of a route, from a changed row."""
    transaction.run(_CHANGE, **_key(row), new_weight=changed.weight, new_published=changed.published)


def drop(transaction: Transaction, row: VpnRouteRow) -> None:
    """Forget a route."""
    transaction.run(_DROP, **_key(row))


def drop_of_connection(transaction: Transaction, connection_id: str) -> None:
    """Forget the routes through a connection."""
    transaction.run(_DROP_OF_CONNECTION, of_connection=connection_id)


def withdraw(transaction: Transaction, gateway_id: str, destination: str) -> None:
    """Have a gateway's routes to a destination be published no longer."""
    transaction.run(_WITHDRAW, of_gateway=gateway_id, leading_to=destination)
