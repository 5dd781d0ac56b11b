"""Resource groups. Every account has a default one from the beginning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, union_all, update

from gatewright import ids
from gatewright.store.paging import Listing
from gatewright.store.schema import customer_gateways, resource_groups, vpcs, vpn_connections, vpn_gateways
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

#: As the API names the group that every account has.
DEFAULT_NAME = "default"
DEFAULT_DISPLAY_NAME = "default resource group"


class ResourceGroupRow(msgspec.Struct, frozen=True):
    """One resource group."""

    id: str
    account_id: str
    name: str
    display_name: str
    created_at: int

    @property
    def is_default(self) -> bool:
        """Whether it is the account's default one, which cannot be deleted."""
        return self.id == default_id(self.account_id)


_COLUMNS = tuple(resource_groups.c[name] for name in ResourceGroupRow.__struct_fields__)
_OF_ACCOUNT = resource_groups.c.account_id == bindparam("of_account")
_ADD = Statement(insert(resource_groups))
_FIND = Query(select(*_COLUMNS).where(resource_groups.c.id == bindparam("group_id"), _OF_ACCOUNT), ResourceGroupRow)
_NAMED = Query(
    select(*_COLUMNS).where(resource_groups.c.name == bindparam("group_name"), _OF_ACCOUNT), ResourceGroupRow
)
_COUNT = Statement(select(func.count(resource_groups.c.id)).where(_OF_ACCOUNT))
_RENAME = Statement(
    update(resource_groups)
    .where(resource_groups.c.id == bindparam("group_id"))
    .values(display_name=bindparam("new_display_name"))
)
_DROP = Statement(delete(resource_groups).where(resource_groups.c.id == bindparam("group_id")))
_LISTING = Listing(select(*_COLUMNS), resource_groups, ResourceGroupRow)
#: What groups hold: VPCs (with their vSwitches and route tables), gateways (with what is theirs), customer gateways,
#: attachments.
_IN_GROUP = Statement(
    union_all(
        *(
            select(table.c.id).where(
                table.c.resource_group_id == bindparam("in_group"), table.c.account_id == bindparam("of_account")
            )
            for table in (vpcs, vpn_gateways, customer_gateways)
        ),
        select(vpn_connections.c.id).where(
            vpn_connections.c.resource_group_id == bindparam("in_group"),
            vpn_connections.c.account_id == bindparam("of_account"),
            vpn_connections.c.gateway_id.is_(None),
        ),
    ).limit(1)
)


def default_id(account_id: str) -> str:
    """The id of an account's default resource group."""
    return ids.derived_id("rg", f"acct-{account_id}")


def add_default(transaction: Transaction, account_id: str, now: int) -> None:
    """Add a new account's default resource group."""
    add(transaction, ResourceGroupRow(default_id(account_id), account_id, DEFAULT_NAME, DEFAULT_DISPLAY_NAME, now))


def ensure_default(transaction: Transaction, account_id: str, now: int) -> None:
    """Add an account's default resource group unless it is there."""
    if find(transaction, account_id, default_id(account_id)) is None:
        add_default(transaction, account_id, now)


def add(transaction: Transaction, row: ResourceGroupRow) -> None:
    """Add a resource group. The account has no other of its name."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def find(transaction: Transaction, account_id: str, group_id: str) -> ResourceGroupRow | None:
    """An account's resource group, or None."""
    return transaction.one(_FIND, of_account=account_id, group_id=group_id)


def named(transaction: Transaction, account_id: str, name: str) -> ResourceGroupRow | None:
    """An account's resource group of a name, or None."""
    return transaction.one(_NAMED, of_account=account_id, group_name=name)


def count(transaction: Transaction, account_id: str) -> int:
    """How many resource groups an account has, the default one included."""
    return int(transaction.scalar(_COUNT, of_account=account_id))


def rename(transaction: Transaction, group_id: str, display_name: str) -> None:
    """Give a resource group another display name."""
    transaction.run(_RENAME, group_id=group_id, new_display_name=display_name)


def one_inside(transaction: Transaction, account_id: str, group_id: str) -> str | None:
    """The id of something in the group, or None."""
    found: str | None = transaction.scalar(_IN_GROUP, of_account=account_id, in_group=group_id)
    return found


def drop(transaction: Transaction, group_id: str) -> None:
    """Forget a resource group that nothing is in."""
    transaction.run(_DROP, group_id=group_id)


def page(
    transaction: Transaction, filters: Mapping[str, Any], *, number: int, size: int
) -> tuple[list[ResourceGroupRow], int]:
    """One page, and the total."""
    return _LISTING.page(transaction, filters, number=number, size=size)
