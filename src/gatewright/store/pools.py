"""Addresses that are handed out: the public pool, and each vSwitch's private addresses.

A pool remembers the address that comes next, so that handing one out costs the same however full the pool is. Freed
addresses are used again once the pool has gone round.
"""

from __future__ import annotations

import ipaddress

import msgspec
from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from gatewright.resources.addresses import AddressRange
from gatewright.store.schema import addresses, pools
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

#: The pool of public addresses.
PUBLIC = "public"


class PoolRow(msgspec.Struct, frozen=True):
    """A pool's bounds, its next address (None when exhausted), and how many are handed out."""

    id: str
    network: str
    first: int
    last: int
    next: int | None
    used: int

    @property
    def available(self) -> int:
        """How many addresses can still be handed out."""
        return self.last - self.first + 1 - self.used


class _OwnedRow(msgspec.Struct, frozen=True):
    pool_id: str
    address: int


_COLUMNS = (pools.c.id, pools.c.network, pools.c.first, pools.c.last, pools.c.next, pools.c.used)
_POOL = Query(select(*_COLUMNS).where(pools.c.id == bindparam("pool_id")), PoolRow)
_POOL_LOCKED = Query(select(*_COLUMNS).where(pools.c.id == bindparam("pool_id")).with_for_update(), PoolRow)
_CREATE = Statement(insert(pools))
_DROP = Statement(delete(pools).where(pools.c.id == bindparam("pool_id")))
_TAKE = Statement(insert(addresses))
_ADVANCE = Statement(
    update(pools).where(pools.c.id == bindparam("pool_id")).values(next=bindparam("new_next"), used=pools.c.used + 1)
)
_TAKEN = Statement(
    select(addresses.c.address).where(
        addresses.c.pool_id == bindparam("pool_id"), addresses.c.address == bindparam("wanted")
    )
)
_after = addresses.alias("after")
#: The first address at or after a taken one whose successor is free.
_GAP = Statement(
    select(addresses.c.address + 1)
    .select_from(
        addresses.outerjoin(
            _after, and_(_after.c.pool_id == addresses.c.pool_id, _after.c.address == addresses.c.address + 1)
        )
    )
    .where(
        addresses.c.pool_id == bindparam("pool_id"),
        addresses.c.address >= bindparam("start"),
        _after.c.address.is_(None),
    )
    .order_by(addresses.c.address)
    .limit(1)
)
_OWNED = Query(
    select(addresses.c.pool_id, addresses.c.address).where(addresses.c.owner_id == bindparam("owner")),
    _OwnedRow,
)
_RELEASE = Statement(
    delete(addresses).where(addresses.c.pool_id == bindparam("pool_id"), addresses.c.address == bindparam("freed"))
)
_GIVE_BACK = Statement(
    update(pools)
    .where(pools.c.id == bindparam("pool_id"))
    .values(used=pools.c.used - 1, next=func.coalesce(pools.c.next, bindparam("freed", type_=pools.c.next.type)))
)
_RESIZE = Statement(
    update(pools)
    .where(pools.c.id == bindparam("pool_id"))
    .values(
        network=bindparam("new_network"),
        first=bindparam("new_first"),
        last=bindparam("new_last"),
        next=bindparam("new_next"),
    )
)


def find(transaction: Transaction, pool_id: str) -> PoolRow | None:
    """A pool, or None."""
    return transaction.one(_POOL, pool_id=pool_id)


def create(transaction: Transaction, pool_id: str, network: ipaddress.IPv4Network, usable: AddressRange) -> None:
    """A new pool with all its addresses free."""
    transaction.run(
        _CREATE,
        id=pool_id,
        network=str(network),
        first=usable.first,
        last=usable.last,
        next=usable.first,
        used=0,
    )


def ensure_public(transaction: Transaction, network: ipaddress.IPv4Network, usable: AddressRange) -> None:
    """The public pool as configured. Addresses that were handed out from an earlier network stay handed out."""
    pool = transaction.one(_POOL_LOCKED, pool_id=PUBLIC)
    if pool is None:
        create(transaction, PUBLIC, network, usable)
    elif pool.network != str(network):
        transaction.run(
            _RESIZE,
            pool_id=PUBLIC,
            new_network=str(network),
            new_first=usable.first,
            new_last=usable.last,
            new_next=_free_from(transaction, PUBLIC, usable, usable.first),
        )


def drop(transaction: Transaction, pool_id: str) -> None:
    """Forget a pool that nothing is handed out from."""
    transaction.run(_DROP, pool_id=pool_id)


def take(transaction: Transaction, pool_id: str, owner: str) -> int | None:
    """Hand out one address, or None when all are taken. KeyError: there is no such pool."""
    pool = transaction.one(_POOL_LOCKED, pool_id=pool_id)
    if pool is None:
        raise KeyError(pool_id)
    if pool.next is None:
        return None
    transaction.run(_TAKE, pool_id=pool_id, address=pool.next, owner_id=owner)
    following = _free_from(transaction, pool_id, AddressRange(pool.first, pool.last), pool.next + 1)
    transaction.run(_ADVANCE, pool_id=pool_id, new_next=following)
    return pool.next


def release_all(transaction: Transaction, owner: str) -> None:
    """Take back every address that the owner has."""
    for row in transaction.all(_OWNED, owner=owner):
        transaction.run(_RELEASE, pool_id=row.pool_id, freed=row.address)
        transaction.run(_GIVE_BACK, pool_id=row.pool_id, freed=row.address)


def _free_from(transaction: Transaction, pool_id: str, usable: AddressRange, start: int) -> int | None:
    """The first free address at or after ``start``, going round once; None when there is none."""
    for begin in (start, usable.first):
        if begin > usable.last:
            continue
        if transaction.scalar(_TAKEN, pool_id=pool_id, wanted=begin) is None:
            return begin
        gap = transaction.scalar(_GAP, pool_id=pool_id, start=begin)
        if gap is not None and gap <= usable.last:
            return int(gap)
    return None
