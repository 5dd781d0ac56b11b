"""VPN gateways and their instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from gatewright.store.among import QueryAmong, StatementAmong
from gatewright.store.paging import Listing
from gatewright.store.schema import instances, vpn_gateways, vswitches
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class GatewayRow(msgspec.Struct, frozen=True):
    """One gateway, as the table has it."""

    id: str
    account_id: str
    region_id: str
    gateway_type: str
    vpc_id: str
    vswitch_id: str
    disaster_recovery_vswitch_id: str | None
    resource_group_id: str
    name: str
    description: str
    bandwidth: int
    network_type: str
    vpn_type: str
    enable_ipsec: bool
    enable_ssl: bool
    ssl_connections: int
    ssl_address: int | None
    auto_propagate: bool
    charge_type: str
    order_id: int
    status: str
    generation: int
    created_at: int
    ends_at: int | None


class GatewayView(GatewayRow, frozen=True):
    """One gateway with its instances' addresses."""

    master_public: int | None
    master_private: int
    slave_public: int | None
    slave_private: int | None


class InstanceRow(msgspec.Struct, frozen=True):
    """One instance, as the table has it."""

    id: str
    gateway_id: str
    role: str
    zone_id: str
    vswitch_id: str
    private_address: int
    public_address: int | None


class InstanceView(InstanceRow, frozen=True):
    """One instance with its vSwitch's network."""

    vswitch_cidr: str


class _Owner(NamedTuple):
    instance_id: str
    gateway_id: str


class _StatusCount(NamedTuple):
    status: str
    gateways: int


_COLUMNS = tuple(vpn_gateways.c[name] for name in GatewayRow.__struct_fields__)
_master = instances.alias("master")
_slave = instances.alias("slave")
_VIEW = (
    select(
        *_COLUMNS,
        _master.c.public_address.label("master_public"),
        _master.c.private_address.label("master_private"),
        _slave.c.public_address.label("slave_public"),
        _slave.c.private_address.label("slave_private"),
    )
    .select_from(vpn_gateways)
    .join(_master, and_(_master.c.gateway_id == vpn_gateways.c.id, _master.c.role == "master"))
    .outerjoin(_slave, and_(_slave.c.gateway_id == vpn_gateways.c.id, _slave.c.role == "slave"))
)
_INSTANCE_COLUMNS = tuple(instances.c[name] for name in InstanceRow.__struct_fields__)

_ADD = Statement(insert(vpn_gateways))
#: By how many there are: one, or the two of a dual-tunnel gateway.
_ADD_INSTANCES = {
    count: Statement(
        insert(instances).values(
            [{name: bindparam(f"{name}_{i}") for name in InstanceRow.__struct_fields__} for i in range(count)]
        )
    )
    for count in (1, 2)
}
_FIND_ALL = QueryAmong(select(*_COLUMNS), vpn_gateways.c.id, GatewayRow)
_FIND_VIEW = Query(
    _VIEW.where(vpn_gateways.c.id == bindparam("gateway_id"), vpn_gateways.c.account_id == bindparam("account_id")),
    GatewayView,
)
_INSTANCES = QueryAmong(
    select(*_INSTANCE_COLUMNS, vswitches.c.cidr_block.label("vswitch_cidr")).join(
        vswitches, vswitches.c.id == instances.c.vswitch_id
    ),
    instances.c.gateway_id,
    InstanceView,
)
_EVERY_INSTANCE = Query(select(*_INSTANCE_COLUMNS).order_by(instances.c.id), InstanceRow)
_INSTANCE = Query(select(*_INSTANCE_COLUMNS).where(instances.c.id == bindparam("instance_id")), InstanceRow)
_IN_VSWITCH = Statement(
    select(instances.c.gateway_id)
    .where(instances.c.vswitch_id == bindparam("of_vswitch"))
    .order_by(instances.c.gateway_id)
    .limit(1)
)
_IN_VPC = Statement(
    select(vpn_gateways.c.id).where(vpn_gateways.c.vpc_id == bindparam("of_vpc")).order_by(vpn_gateways.c.id).limit(1)
)
_PUBLIC_ADDRESSES = Statement(
    select(
        select(func.count(instances.c.public_address))
        .join(vpn_gateways, vpn_gateways.c.id == instances.c.gateway_id)
        .where(vpn_gateways.c.account_id == bindparam("of_account"))
        .scalar_subquery()
        + select(func.count(vpn_gateways.c.ssl_address))
        .where(vpn_gateways.c.account_id == bindparam("of_account"))
        .scalar_subquery()
    )
)
_OWNERS = QueryAmong(select(instances.c.id, instances.c.gateway_id), instances.c.id, _Owner)
_BY_STATUS = Query(select(vpn_gateways.c.status, func.count()).group_by(vpn_gateways.c.status), _StatusCount)
_SET_STATUS = StatementAmong(update(vpn_gateways).values(status=bindparam("new_status")), vpn_gateways.c.id)
_CHANGEABLE = ("name", "description", "auto_propagate", "generation", "status")
_CHANGE = Statement(
    update(vpn_gateways)
    .where(vpn_gateways.c.id == bindparam("gateway_id"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGEABLE})
)
_MOVE = Statement(
    update(vpn_gateways)
    .where(vpn_gateways.c.id == bindparam("gateway_id"))
    .values(resource_group_id=bindparam("new_group"))
)
_DROP = Statement(delete(vpn_gateways).where(vpn_gateways.c.id == bindparam("gateway_id")))
_DROP_INSTANCE = Statement(delete(instances).where(instances.c.id == bindparam("instance_id")))
_LISTING = Listing(_VIEW, vpn_gateways, GatewayView)


def add(transaction: Transaction, row: GatewayRow) -> None:
    """Add a gateway."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def add_instances(transaction: Transaction, rows: Sequence[InstanceRow]) -> None:
    """Add the instances of a gateway."""
    values = {f"{name}_{i}": value for i, row in enumerate(rows) for name, value in msgspec.structs.asdict(row).items()}
    transaction.run(_ADD_INSTANCES[len(rows)], **values)


def find_all(transaction: Transaction, gateway_ids: Sequence[str]) -> list[GatewayRow]:
    """Gateways of whatever accounts; for the reconciler."""
    return _FIND_ALL.rows(transaction, gateway_ids)


def view(transaction: Transaction, account_id: str, gateway_id: str) -> GatewayView | None:
    """An account's gateway with its addresses, or None."""
    return transaction.one(_FIND_VIEW, account_id=account_id, gateway_id=gateway_id)


def instances_of(transaction: Transaction, gateway_ids: Sequence[str]) -> list[InstanceView]:
    """Some gateways' instances."""
    return _INSTANCES.rows(transaction, gateway_ids)


def every_instance(transaction: Transaction) -> list[InstanceRow]:
    """The instances of all accounts."""
    return transaction.all(_EVERY_INSTANCE)


def instance(transaction: Transaction, instance_id: str) -> InstanceRow | None:
    """An instance of whatever account, or None."""
    return transaction.one(_INSTANCE, instance_id=instance_id)


def owners_of(transaction: Transaction, instance_ids: Sequence[str]) -> dict[str, str]:
    """The gateways of some instances, by the instances' ids."""
    return {row.instance_id: row.gateway_id for row in _OWNERS.rows(transaction, instance_ids)}


def one_in_vswitch(transaction: Transaction, vswitch_id: str) -> str | None:
    """The id of a gateway that has an instance in the vSwitch, or None."""
    found: str | None = transaction.scalar(_IN_VSWITCH, of_vswitch=vswitch_id)
    return found


def one_in_vpc(transaction: Transaction, vpc_id: str) -> str | None:
    """The id of a gateway in the VPC, or None."""
    found: str | None = transaction.scalar(_IN_VPC, of_vpc=vpc_id)
    return found


def public_addresses(transaction: Transaction, account_id: str) -> int:
    """How many public addresses an account's gateways have together."""
    return int(transaction.scalar(_PUBLIC_ADDRESSES, of_account=account_id))


def count_by_status(transaction: Transaction) -> dict[str, int]:
    """How many gateways of all accounts have each status that any has. It looks at every gateway."""
    return {row.status: row.gateways for row in transaction.all(_BY_STATUS)}


def set_status(transaction: Transaction, gateway_ids: Sequence[str], status: str) -> None:
    """Set what the API tells as ``Status``."""
    _SET_STATUS.run(transaction, gateway_ids, new_status=status)


def change(transaction: Transaction, row: GatewayRow) -> None:
    """Store what can be modified of a gateway, from a changed row."""
    transaction.run(_CHANGE, gateway_id=row.id, **{f"new_{name}": getattr(row, name) for name in _CHANGEABLE})


def move(transaction: Transaction, gateway_id: str, resource_group_id: str) -> None:
    """Put a gateway into another resource group."""
    transaction.run(_MOVE, gateway_id=gateway_id, new_group=resource_group_id)


def drop(transaction: Transaction, gateway_id: str) -> None:
    """Forget a gateway whose instances are gone."""
    transaction.run(_DROP, gateway_id=gateway_id)


def drop_instance(transaction: Transaction, instance_id: str) -> None:
    """Forget an instance that is gone."""
    transaction.run(_DROP_INSTANCE, instance_id=instance_id)


def page(
    transaction: Transaction, filters: Mapping[str, Any], *, number: int, size: int
) -> tuple[list[GatewayView], int]:
    """One page, and the total."""
    return _LISTING.page(transaction, filters, number=number, size=size)


def rows(transaction: Transaction, filters: Mapping[str, Any], *, number: int, size: int) -> list[GatewayView]:
    """One page, for a caller that knows the total from the counters."""
    return _LISTING.rows(transaction, filters, number=number, size=size)
