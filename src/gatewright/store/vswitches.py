"""vSwitches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, false, func, insert, select, true, update

from gatewright.store.among import QueryAmong
from gatewright.store.paging import Listing
from gatewright.store.schema import pools, vpcs, vswitches
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class VSwitchRow(msgspec.Struct, frozen=True):
    """One vSwitch, as the table has it."""

    id: str
    account_id: str
    region_id: str
    vpc_id: str
    zone_id: str
    cidr_block: str
    name: str
    description: str
    is_default: bool
    #: The VPC's system route table, or a custom one.
    route_table_id: str
    status: str
    #: Deleted, and not yet confirmed to be gone by its hosts.
    deleting: bool
    vni: int
    created_at: int


class VSwitchView(VSwitchRow, frozen=True):
    """One vSwitch with what its VPC and its address pool add."""

    system_route_table_id: str
    resource_group_id: str
    pool_first: int
    pool_last: int
    pool_used: int

    @property
    def available(self) -> int:
        """How many of its addresses are free."""
        return self.pool_last - self.pool_first + 1 - self.pool_used


_COLUMNS = tuple(vswitches.c[name] for name in VSwitchRow.__struct_fields__)
_VIEW = (
    select(
        *_COLUMNS,
        # The VPC may be gone while its last vSwitches are being deleted.
        func.coalesce(vpcs.c.route_table_id, vswitches.c.route_table_id).label("system_route_table_id"),
        func.coalesce(vpcs.c.resource_group_id, "").label("resource_group_id"),
        pools.c.first.label("pool_first"),
        pools.c.last.label("pool_last"),
        pools.c.used.label("pool_used"),
    )
    .select_from(vswitches)
    .outerjoin(vpcs, vpcs.c.id == vswitches.c.vpc_id)
    .join(pools, pools.c.id == vswitches.c.id)
)
_ADD = Statement(insert(vswitches))
_FIND = Query(
    select(*_COLUMNS).where(
        vswitches.c.id == bindparam("vswitch_id"), vswitches.c.account_id == bindparam("account_id")
    ),
    VSwitchRow,
)
_FIND_ALL = QueryAmong(select(*_COLUMNS), vswitches.c.id, VSwitchRow)
_FIND_VIEW = Query(
    _VIEW.where(vswitches.c.id == bindparam("vswitch_id"), vswitches.c.account_id == bindparam("account_id")),
    VSwitchView,
)
_OF_VPCS = QueryAmong(select(*_COLUMNS).where(vswitches.c.deleting == false()), vswitches.c.vpc_id, VSwitchRow)
_COUNT_DELETING = Statement(
    select(func.count(vswitches.c.id)).where(vswitches.c.vpc_id == bindparam("of_vpc"), vswitches.c.deleting == true())
)
_SET_STATUS = Statement(
    update(vswitches).where(vswitches.c.id == bindparam("vswitch_id")).values(status=bindparam("new_status"))
)
_CHANGEABLE = ("name", "description", "route_table_id", "status", "deleting")
_CHANGE = Statement(
    update(vswitches)
    .where(vswitches.c.id == bindparam("vswitch_id"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGEABLE})
)
_DROP = Statement(delete(vswitches).where(vswitches.c.id == bindparam("vswitch_id")))
_LISTING = Listing(_VIEW, vswitches, VSwitchView, {"resource_group_id": vpcs.c.resource_group_id})


def add(transaction: Transaction, row: VSwitchRow) -> None:
    """Add a vSwitch."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def find(transaction: Transaction, account_id: str, vswitch_id: str) -> VSwitchRow | None:
    """An account's vSwitch, or None."""
    return transaction.one(_FIND, account_id=account_id, vswitch_id=vswitch_id)


def find_all(transaction: Transaction, vswitch_ids: Sequence[str]) -> list[VSwitchRow]:
    """vSwitches of whatever accounts; for the reconciler."""
    return _FIND_ALL.rows(transaction, vswitch_ids)


def view(transaction: Transaction, account_id: str, vswitch_id: str) -> VSwitchView | None:
    """An account's vSwitch with its free addresses, or None."""
    return transaction.one(_FIND_VIEW, account_id=account_id, vswitch_id=vswitch_id)


def of_vpcs(transaction: Transaction, vpc_ids: Sequence[str]) -> list[VSwitchRow]:
    """The vSwitches of some VPCs, oldest first, without those that are being deleted."""
    return sorted(_OF_VPCS.rows(transaction, vpc_ids), key=lambda row: (row.created_at, row.id))


def count_deleting(transaction: Transaction, vpc_id: str) -> int:
    """How many vSwitches of a VPC are being deleted."""
    return int(transaction.scalar(_COUNT_DELETING, of_vpc=vpc_id))


def set_status(transaction: Transaction, vswitch_id: str, status: str) -> None:
    """Set what the API tells as ``Status``."""
    transaction.run(_SET_STATUS, vswitch_id=vswitch_id, new_status=status)


def change(transaction: Transaction, row: VSwitchRow) -> None:
    """Store what can be modified of a vSwitch, from a changed row."""
    transaction.run(_CHANGE, vswitch_id=row.id, **{f"new_{name}": getattr(row, name) for name in _CHANGEABLE})


def drop(transaction: Transaction, vswitch_id: str) -> None:
    """Forget a vSwitch."""
    transaction.run(_DROP, vswitch_id=vswitch_id)


def page(
    transaction: Transaction, filters: Mapping[str, Any], *, number: int, size: int
) -> tuple[list[VSwitchView], int]:
    """One page, and the total."""
    return _LISTING.page(transaction, filters, number=number, size=size)
