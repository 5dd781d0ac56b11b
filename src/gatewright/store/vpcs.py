"""VPCs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from gatewright.store.paging import Listing
from gatewright.store.schema import vpcs
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class VpcRow(msgspec.Struct, frozen=True):
    """One VPC, as the table has it."""

    id: str
    account_id: str
    region_id: str
    cidr_block: str
    name: str
    description: str
    #: Comma-separated networks.
    user_cidrs: str
    vrouter_id: str
    route_table_id: str
    status: str
    created_at: int


_COLUMNS = tuple(vpcs.c[name] for name in VpcRow.__struct_fields__)
_ADD = Statement(insert(vpcs))
_FIND = Query(
    select(*_COLUMNS).where(vpcs.c.id == bindparam("vpc_id"), vpcs.c.account_id == bindparam("account_id")),
    VpcRow,
)
_DROP = Statement(delete(vpcs).where(vpcs.c.id == bindparam("vpc_id")))
_LISTING = Listing(select(*_COLUMNS), vpcs, VpcRow)


def add(transaction: Transaction, row: VpcRow) -> None:
    """Add a VPC."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def find(transaction: Transaction, account_id: str, vpc_id: str) -> VpcRow | None:
    """An account's VPC, or None."""
    return transaction.one(_FIND, account_id=account_id, vpc_id=vpc_id)


def drop(transaction: Transaction, vpc_id: str) -> None:
    """Forget a VPC."""
    transaction.run(_DROP, vpc_id=vpc_id)


def page(transaction: Transaction, filters: Mapping[str, Any], *, number: int, size: int) -> tuple[list[VpcRow], int]:
    """One page, and the total."""
    return _LISTING.page(transaction, filters, number=number, size=size)
