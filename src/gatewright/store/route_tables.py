"""Route tables and their custom entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from gatewright.store.among import QueryAmong
from gatewright.store.paging import Listing
from gatewright.store.schema import route_entries, route_tables, vpcs
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

SYSTEM = "System"
CUSTOM = "Custom"


class RouteTableRow(msgspec.Struct, frozen=True):
    """One route table, as the table has it."""

    id: str
    account_id: str
    region_id: str
    vpc_id: str
    #: ``System`` or ``Custom``.
    type: str
    name: str
    description: str
    propagation: bool
    created_at: int


class RouteTableView(RouteTableRow, frozen=True):
    """One route table with what its VPC adds."""

    vrouter_id: str
    resource_group_id: str
    #: When the VPC became or becomes ``Available``.
    vpc_available_at: int


class RouteEntryRow(msgspec.Struct, frozen=True):
    """One custom entry."""

    id: str
    account_id: str
    route_table_id: str
    destination: str
    next_hop_type: str
    next_hop_id: str
    name: str
    description: str
    created_at: int
    modified_at: int


_COLUMNS = tuple(route_tables.c[name] for name in RouteTableRow.__struct_fields__)
_VIEW = (
    select(*_COLUMNS, vpcs.c.vrouter_id, vpcs.c.resource_group_id, vpcs.c.available_at)
    .select_from(route_tables)
    .join(vpcs, vpcs.c.id == route_tables.c.vpc_id)
)
_ADD = Statement(insert(route_tables))
_VIEW_ONE = Query(
    _VIEW.where(route_tables.c.id == bindparam("route_table_id"), route_tables.c.account_id == bindparam("account_id")),
    RouteTableView,
)
_OF_VPCS = QueryAmong(select(*_COLUMNS), route_tables.c.vpc_id, RouteTableRow)
_CHANGE = Statement(
    update(route_tables)
    .where(route_tables.c.id == bindparam("route_table_id"))
    .values(
        name=bindparam("new_name"), description=bindparam("new_description"), propagation=bindparam("new_propagation")
    )
)
_DROP = Statement(delete(route_tables).where(route_tables.c.id == bindparam("route_table_id")))
_LISTING = Listing(
    _VIEW,
    route_tables,
    RouteTableView,
    {"vrouter_id": vpcs.c.vrouter_id, "resource_group_id": vpcs.c.resource_group_id},
)

_ENTRY_COLUMNS = tuple(route_entries.c[name] for name in RouteEntryRow.__struct_fields__)
_ADD_ENTRY = Statement(insert(route_entries))
_ENTRIES = QueryAmong(select(*_ENTRY_COLUMNS), route_entries.c.route_table_id, RouteEntryRow)
_ENTRY = Query(
    select(*_ENTRY_COLUMNS).where(
        route_entries.c.id == bindparam("entry_id"), route_entries.c.account_id == bindparam("account_id")
    ),
    RouteEntryRow,
)
_ENTRY_TO = Query(
    select(*_ENTRY_COLUMNS).where(
        route_entries.c.route_table_id == bindparam("of_table"), route_entries.c.destination == bindparam("leading_to")
    ),
    RouteEntryRow,
)
_CHANGE_ENTRY = Statement(
    update(route_entries)
    .where(route_entries.c.id == bindparam("entry_id"))
    .values(
        name=bindparam("new_name"),
        description=bindparam("new_description"),
        next_hop_type=bindparam("new_next_hop_type"),
        next_hop_id=bindparam("new_next_hop_id"),
        modified_at=bindparam("new_modified_at"),
    )
)
_DROP_ENTRY = Statement(delete(route_entries).where(route_entries.c.id == bindparam("entry_id")))
_LEADING_TO = QueryAmong(select(*_ENTRY_COLUMNS), route_entries.c.next_hop_id, RouteEntryRow)
_DROP_TO_NEXT_HOP = Statement(delete(route_entries).where(route_entries.c.next_hop_id == bindparam("to_next_hop")))


def add(transaction: Transaction, row: RouteTableRow) -> None:
    """Add a route table."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def view(transaction: Transaction, account_id: str, route_table_id: str) -> RouteTableView | None:
    """An account's route table, or None."""
    return transaction.one(_VIEW_ONE, account_id=account_id, route_table_id=route_table_id)


def of_vpcs(transaction: Transaction, vpc_ids: Sequence[str]) -> list[RouteTableRow]:
    """The route tables of some VPCs: of each the system one first, then the custom ones, oldest first."""
    return sorted(_OF_VPCS.rows(transaction, vpc_ids), key=lambda row: (row.type != SYSTEM, row.created_at, row.id))


def change(transaction: Transaction, row: RouteTableRow) -> None:
    """Store what can be modified of a route table, from a changed row."""
    transaction.run(
        _CHANGE,
        route_table_id=row.id,
        new_name=row.name,
        new_description=row.description,
        new_propagation=row.propagation,
    )


def drop(transaction: Transaction, route_table_id: str) -> None:
    """Forget a route table that has no entries."""
    transaction.run(_DROP, route_table_id=route_table_id)


def page(
    transaction: Transaction, filters: Mapping[str, Any], *, number: int, size: int
) -> tuple[list[RouteTableView], int]:
    """One page, and the total."""
    return _LISTING.page(transaction, filters, number=number, size=size)


def add_entry(transaction: Transaction, row: RouteEntryRow) -> None:
    """Add a custom entry. The table has no other for its destination."""
    transaction.run(_ADD_ENTRY, **msgspec.structs.asdict(row))


def entries(transaction: Transaction, route_table_ids: Sequence[str]) -> list[RouteEntryRow]:
    """The custom entries of some route tables, oldest first."""
    return sorted(_ENTRIES.rows(transaction, route_table_ids), key=lambda row: (row.created_at, row.id))


def entry(transaction: Transaction, account_id: str, entry_id: str) -> RouteEntryRow | None:
    """An account's custom entry, or None."""
    return transaction.one(_ENTRY, account_id=account_id, entry_id=entry_id)


def entry_to(transaction: Transaction, route_table_id: str, destination: str) -> RouteEntryRow | None:
    """A table's custom entry for exactly a destination, or None."""
    return transaction.one(_ENTRY_TO, of_table=route_table_id, leading_to=destination)


def change_entry(transaction: Transaction, row: RouteEntryRow) -> None:
    """Store what can be modified of an entry, from a changed row."""
    transaction.run(
        _CHANGE_ENTRY,
        entry_id=row.id,
        new_name=row.name,
        new_description=row.description,
        new_next_hop_type=row.next_hop_type,
        new_next_hop_id=row.next_hop_id,
        new_modified_at=row.modified_at,
    )


def drop_entry(transaction: Transaction, entry_id: str) -> None:
    """Forget a custom entry."""
    transaction.run(_DROP_ENTRY, entry_id=entry_id)


def leading_to(transaction: Transaction, next_hop_ids: Sequence[str]) -> list[RouteEntryRow]:
    """The custom entries that lead to some next hops, in whatever tables."""
    return _LEADING_TO.rows(transaction, next_hop_ids)


def lead_to(transaction: Transaction, next_hop_ids: Sequence[str]) -> set[str]:
    """Those of the next hops that custom entries lead to, in whatever tables."""
    return {row.next_hop_id for row in leading_to(transaction, next_hop_ids)}


def drop_entries_to(transaction: Transaction, next_hop_id: str) -> None:
    """Forget the custom entries that lead to a next hop, in whatever tables."""
    transaction.run(_DROP_TO_NEXT_HOP, to_next_hop=next_hop_id)
