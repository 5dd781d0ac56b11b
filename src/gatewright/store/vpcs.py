"""VPCs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, false, func, insert, select, true, update

from gatewright.store.among import QueryAmong
from gatewright.store.paging import Listing
from gatewright.store.schema import vpcs, vswitches
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
    #: Comma-separated networks beside ``cidr_block``.
    secondary_cidrs: str
    is_default: bool
    resource_group_id: str
    vrouter_id: str
    vrouter_name: str
    vrouter_description: str
    #: The system route table.
    route_table_id: str
    available_at: int
    created_at: int

    @property
    def networks(self) -> tuple[str, ...]:
        """All its networks, the first one first."""
        return (self.cidr_block, *self.secondary) if self.secondary_cidrs else (self.cidr_block,)

    @property
    def secondary(self) -> tuple[str, ...]:
        """Its networks beside the first."""
        return tuple(self.secondary_cidrs.split(",")) if self.secondary_cidrs else ()


_COLUMNS = tuple(vpcs.c[name] for name in VpcRow.__struct_fields__)
_ADD = Statement(insert(vpcs))
_FIND = Query(
    select(*_COLUMNS).where(vpcs.c.id == bindparam("vpc_id"), vpcs.c.account_id == bindparam("account_id")),
    VpcRow,
)
_FIND_ALL = QueryAmong(select(*_COLUMNS), vpcs.c.id, VpcRow)
_DEFAULTS = Query(
    select(*_COLUMNS).where(vpcs.c.account_id == bindparam("account_id"), vpcs.c.is_default == true()), VpcRow
)
_COUNT = Statement(
    select(func.count(vpcs.c.id)).where(
        vpcs.c.account_id == bindparam("of_account"),
        vpcs.c.region_id == bindparam("of_region"),
        vpcs.c.is_default == false(),
    )
)
#: A vSwitch knows its VPC's id when that is gone.
_COUNT_LEAVING = Statement(
    select(func.count(vswitches.c.vpc_id.distinct()))
    .select_from(vswitches)
    .outerjoin(vpcs, vpcs.c.id == vswitches.c.vpc_id)
    .where(
        vswitches.c.account_id == bindparam("of_account"),
        vswitches.c.region_id == bindparam("of_region"),
        vswitches.c.deleting == true(),
        vpcs.c.id.is_(None),
    )
)
_CHANGEABLE = (
    "cidr_block",
    "name",
    "description",
    "secondary_cidrs",
    "resource_group_id",
    "vrouter_name",
    "vrouter_description",
)
_CHANGE = Statement(
    update(vpcs)
    .where(vpcs.c.id == bindparam("vpc_id"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGEABLE})
)
_DROP = Statement(delete(vpcs).where(vpcs.c.id == bindparam("vpc_id")))
_LISTING = Listing(select(*_COLUMNS), vpcs, VpcRow)


def add(transaction: Transaction, row: VpcRow) -> None:
    """Add a VPC."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def find(transaction: Transaction, account_id: str, vpc_id: str) -> VpcRow | None:
    """An account's VPC, or None."""
    return transaction.one(_FIND, account_id=account_id, vpc_id=vpc_id)


def networks(transaction: Transaction, vpc_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The networks of VPCs of whatever accounts, by the VPCs' ids; for the reconciler."""
    return {row.id: row.networks for row in _FIND_ALL.rows(transaction, vpc_ids)}


def defaults(transaction: Transaction, account_id: str) -> list[VpcRow]:
    """An account's default VPCs: one a region at the most."""
    return transaction.all(_DEFAULTS, account_id=account_id)


def count(transaction: Transaction, account_id: str, region_id: str) -> int:
    """How many VPCs an account has in a region, without the default one."""
    return int(transaction.scalar(_COUNT, of_account=account_id, of_region=region_id))


def count_leaving(transaction: Transaction, account_id: str, region_id: str) -> int:
    """How many VPCs of an account have been deleted from a region, and have vSwitches that are not gone yet."""
    return int(transaction.scalar(_COUNT_LEAVING, of_account=account_id, of_region=region_id))


def change(transaction: Transaction, row: VpcRow) -> None:
    """Store what can be modified of a VPC, from a changed row."""
    transaction.run(_CHANGE, vpc_id=row.id, **{f"new_{name}": getattr(row, name) for name in _CHANGEABLE})


def drop(transaction: Transaction, vpc_id: str) -> None:
    """Forget a VPC."""
    transaction.run(_DROP, vpc_id=vpc_id)


def page(transaction: Transaction, filters: Mapping[str, Any], *, number: int, size: int) -> tuple[list[VpcRow], int]:
    """One page, and the total."""
    return _LISTING.page(transaction, filters, number=number, size=size)
