"""What is handed out: public addresses, each vSwitch's private ones, and the numbers of vSwitches' VXLANs.

A pool gives out fresh addresses in their order, in one statement, and used ones again when it has no fresh ones left.
Who has an address is known from the instances and gateways.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, case, delete, insert, select, update

from gatewright.resources.addresses import AddressRange, public_range
from gatewright.store.schema import freed_addresses, pools
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

_PUBLIC = "public:"
#: The pool of VXLAN numbers.
VNIS = "vnis"


class PoolRow(msgspec.Struct, frozen=True):
    """A pool's bounds, its first address that was never handed out, and how many are handed out now."""

    id: str
    network: str
    first: int
    last: int
    next: int
    used: int

    @property
    def available(self) -> int:
        """How many addresses can still be handed out."""
        return self.last - self.first + 1 - self.used


class FreshRow(msgspec.Struct, frozen=True):
    """The first of the fresh addresses that a pool has just handed out."""

    pool_id: str
    first: int


class PoolOverlap(Exception):
    """A public pool would overlap another one that gateways have addresses of."""


_COLUMNS = (pools.c.id, pools.c.network, pools.c.first, pools.c.last, pools.c.next, pools.c.used)
_is_pool = pools.c.id == bindparam("pool_id")
_is_freed = freed_addresses.c.pool_id == bindparam("pool_id")
_POOL = Query(select(*_COLUMNS).where(_is_pool), PoolRow)
_POOL_LOCKED = Query(select(*_COLUMNS).where(_is_pool).with_for_update(), PoolRow)
_PUBLIC_POOLS = Query(select(*_COLUMNS).where(pools.c.id.startswith(_PUBLIC)).order_by(pools.c.id), PoolRow)
_CREATE = Statement(insert(pools))
_DROP = Statement(delete(pools).where(_is_pool))
_DROP_FREED = Statement(delete(freed_addresses).where(_is_freed))
_FRESH = Statement(
    update(pools)
    .where(_is_pool, pools.c.next <= pools.c.last)
    .values(next=pools.c.next + 1, used=pools.c.used + 1)
    .returning(pools.c.next - 1)
)
#: How many of each pool, of up to three pools.
_SHARES = case(
    *((pools.c.id == bindparam(f"pool_{i}"), bindparam(f"count_{i}", type_=pools.c.next.type)) for i in range(2)),
    else_=bindparam("count_2", type_=pools.c.next.type),
)
_FRESH_OF_SEVERAL = Query(
    update(pools)
    .where(pools.c.id.in_([bindparam(f"pool_{i}") for i in range(3)]), pools.c.next + _SHARES <= pools.c.last + 1)
    .values(next=pools.c.next + _SHARES, used=pools.c.used + _SHARES)
    .returning(pools.c.id, pools.c.next - _SHARES),
    FreshRow,
)
_FREED = Statement(select(freed_addresses.c.address).where(_is_freed).order_by(freed_addresses.c.address).limit(1))
_USE_AGAIN = Statement(delete(freed_addresses).where(_is_freed, freed_addresses.c.address == bindparam("again")))
_GIVE_BACK = Statement(insert(freed_addresses))
_COUNT = Statement(update(pools).where(_is_pool).values(used=pools.c.used + bindparam("change")))


def find(transaction: Transaction, pool_id: str) -> PoolRow | None:
    """A pool, or None."""
    return transaction.one(_POOL, pool_id=pool_id)


def create(transaction: Transaction, pool_id: str, network: ipaddress.IPv4Network, usable: AddressRange) -> None:
    """A new pool with all its addresses fresh."""
    transaction.run(
        _CREATE,
        id=pool_id,
        network=str(network),
        first=usable.first,
        last=usable.last,
        next=usable.first,
        used=0,
    )


def drop(transaction: Transaction, pool_id: str) -> None:
    """Forget a pool that nothing is handed out from."""
    transaction.run(_DROP_FREED, pool_id=pool_id)
    transaction.run(_DROP, pool_id=pool_id)


def public_pool(network: ipaddress.IPv4Network) -> str:
    """The id of a public network's pool."""
    return f"{_PUBLIC}{network}"


def public_pools(transaction: Transaction) -> list[PoolRow]:
    """All public pools: the configured one, and earlier ones that gateways still have addresses of."""
    return transaction.all(_PUBLIC_POOLS)


def ensure_public(transaction: Transaction, network: ipaddress.IPv4Network) -> None:
    """Have the pool of a public network, and forget other public pools that are not used any more.

    Addresses that were handed out from another network stay handed out. Raises PoolOverlap when the new network
    overlaps such a one: an address could then be given out twice.
    """
    wanted = public_pool(network)
    known = public_pools(transaction)
    for pool in known:
        if pool.id != wanted and pool.used == 0:
            drop(transaction, pool.id)
        elif pool.id != wanted and network.overlaps(ipaddress.IPv4Network(pool.network)):
            raise PoolOverlap(
                f"the public pool {network} overlaps {pool.network}, which {pool.used} addresses are in use of"
            )
    if all(pool.id != wanted for pool in known):
        create(transaction, wanted, network, public_range(network))


def ensure_vnis(transaction: Transaction) -> None:
    """Have the pool of VXLAN numbers, of which each vSwitch has one (RFC 7348: 24 bits; 0 stays free)."""
    if find(transaction, VNIS) is None:
        transaction.run(_CREATE, id=VNIS, network="", first=1, last=2**24 - 1, next=1, used=0)


def take(transaction: Transaction, pool_id: str) -> int | None:
    """Hand out one address, or None when all are taken. KeyError: there is no such pool."""
    fresh = transaction.scalar(_FRESH, pool_id=pool_id)
    if fresh is not None:
        return int(fresh)
    if transaction.one(_POOL_LOCKED, pool_id=pool_id) is None:
        raise KeyError(pool_id)
    freed = transaction.scalar(_FREED, pool_id=pool_id)
    if freed is None:
        return None
    transaction.run(_USE_AGAIN, pool_id=pool_id, again=freed)
    transaction.run(_COUNT, pool_id=pool_id, change=1)
    return int(freed)


def take_several(transaction: Transaction, pool_ids: Sequence[str]) -> list[int | None]:
    """Hand out an address of each pool, in one statement as long as they have fresh ones; a pool may be named again.

    None where all are taken. At most three different pools. KeyError: there is no such pool.
    """
    counts = Counter(pool_ids)
    shares = list(counts.items())
    shares += shares[-1:] * (3 - len(shares))
    values: dict[str, str | int] = {f"pool_{i}": pool_id for i, (pool_id, _) in enumerate(shares)}
    values |= {f"count_{i}": count for i, (_, count) in enumerate(shares)}
    fresh = {row.pool_id: row.first for row in transaction.all(_FRESH_OF_SEVERAL, **values)}
    handed_out: list[int | None] = []
    for pool_id in pool_ids:
        if pool_id in fresh:
            handed_out.append(fresh[pool_id])
            fresh[pool_id] += 1
        else:
            handed_out.append(take(transaction, pool_id))
    return handed_out


def release(transaction: Transaction, pool_id: str, address: int) -> None:
    """Take an address back."""
    transaction.run(_COUNT, pool_id=pool_id, change=-1)
    transaction.run(_GIVE_BACK, pool_id=pool_id, address=address)


def release_public(transaction: Transaction, address: int) -> None:
    """Take a public address back, into the pool that it is of."""
    for pool in public_pools(transaction):
        if pool.first <= address <= pool.last:
            release(transaction, pool.id, address)
            return
    raise KeyError(f"address {address} is of no public pool")
