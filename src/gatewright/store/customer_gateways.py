"""Customer gateways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, true, update

from gatewright.store.paging import Listing
from gatewright.store.schema import customer_gateways, tunnels
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class CustomerGatewayRow(msgspec.Struct, frozen=True):
    """One customer gateway, as the table has it."""

    id: str
    account_id: str
    region_id: str
    resource_group_id: str
    #: Dotted.
    ip_address: str
    asn: int | None
    #: Sealed.
    auth_key: bytes | None
    #: Raised with each change of the key.
    auth_key_version: int
    name: str
    description: str
    created_at: int


class _Gateway(NamedTuple):
    id: str


_c = customer_gateways.c
_COLUMNS = tuple(_c[name] for name in CustomerGatewayRow.__struct_fields__)
_IN_REGION = (_c.account_id == bindparam("of_account"), _c.region_id == bindparam("of_region"))
_IS = _c.id == bindparam("of_id")
_ADD = Statement(insert(customer_gateways))
_FIND = Query(select(*_COLUMNS).where(_IS, _c.account_id == bindparam("of_account")), CustomerGatewayRow)
_AT = Statement(select(_c.id).where(*_IN_REGION, _c.ip_address == bindparam("at_address")))
_COUNT = Statement(select(func.count(_c.id)).where(*_IN_REGION))
_CHANGEABLE = ("name", "description", "auth_key", "auth_key_version", "resource_group_id")
_CHANGE = Statement(
    update(customer_gateways).where(_IS).values({name: bindparam(f"new_{name}") for name in _CHANGEABLE})
)
_CONNECTION = Statement(
    select(tunnels.c.connection_id)
    .where(tunnels.c.customer_gateway_id == bindparam("of_id"))
    .order_by(tunnels.c.connection_id)
    .limit(1)
)
_SPOKEN_TO_BY = Query(
    select(tunnels.c.gateway_id)
    .where(
        tunnels.c.customer_gateway_id == bindparam("of_id"),
        tunnels.c.bgp_enabled == true(),
        tunnels.c.gateway_id.is_not(None),
    )
    .order_by(tunnels.c.gateway_id)
    .distinct(),
    _Gateway,
)
_DROP = Statement(delete(customer_gateways).where(_IS))
_LISTING = Listing(select(*_COLUMNS), customer_gateways, CustomerGatewayRow)


def add(transaction: Transaction, row: CustomerGatewayRow) -> None:
    """Add a customer gateway."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def find(transaction: Transaction, account_id: str, customer_gateway_id: str) -> CustomerGatewayRow | None:
    """An account's customer gateway, or None."""
    return transaction.one(_FIND, of_account=account_id, of_id=customer_gateway_id)


def at(transaction: Transaction, account_id: str, region_id: str, ip_address: str) -> str | None:
    """The id of an account's customer gateway at an address, in a region; None for none."""
    found: str | None = transaction.scalar(_AT, of_account=account_id, of_region=region_id, at_address=ip_address)
    return found


def count(transaction: Transaction, account_id: str, region_id: str) -> int:
    """How many customer gateways an account has in a region."""
    return int(transaction.scalar(_COUNT, of_account=account_id, of_region=region_id))


def one_connection(transaction: Transaction, customer_gateway_id: str) -> str | None:
    """The id of an IPsec connection that leads to a customer gateway, or None."""
    found: str | None = transaction.scalar(_CONNECTION, of_id=customer_gateway_id)
    return found


def spoken_to_by(transaction: Transaction, customer_gateway_id: str) -> list[str]:
    """The ids of the VPN gateways that speak BGP to a customer gateway."""
    return [row.id for row in transaction.all(_SPOKEN_TO_BY, of_id=customer_gateway_id)]


def change(transaction: Transaction, row: CustomerGatewayRow) -> None:
    """Store what can be modified of a customer gateway, from a changed row."""
    transaction.run(_CHANGE, of_id=row.id, **{f"new_{name}": getattr(row, name) for name in _CHANGEABLE})


def drop(transaction: Transaction, customer_gateway_id: str) -> None:
    """Forget a customer gateway."""
    transaction.run(_DROP, of_id=customer_gateway_id)


def page(
    transaction: Transaction, filters: Mapping[str, Any], *, number: int, size: int
) -> tuple[list[CustomerGatewayRow], int]:
    """One page, and the total."""
    return _LISTING.page(transaction, filters, number=number, size=size)
