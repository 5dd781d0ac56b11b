"""Address pools against a model: no address twice, none lost, all of them usable."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator

import pytest

from gatewright.resources.addresses import AddressRange
from gatewright.store import pools
from gatewright.store.backends import backend_of
from gatewright.store.database import Database
from gatewright.store.transaction import Transaction
from gatewright.store.upgrade import prepare

NETWORK = ipaddress.IPv4Network("10.0.0.0/27")
USABLE = AddressRange(int(NETWORK[1]), int(NETWORK[1]) + 19)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    backend = backend_of(database_url)
    prepare(backend)
    opened = Database(backend)
    yield opened
    opened.close()


@pytest.mark.parametrize("seed", range(4))
def test_addresses_are_handed_out_once_and_used_again(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    held: set[int] = set()

    def play(transaction: Transaction) -> None:
        pools.create(transaction, "p", NETWORK, USABLE)
        for _ in range(400):
            if held and chance.random() < 0.48:
                address = chance.choice(sorted(held))
                pools.release(transaction, "p", address)
                held.remove(address)
            else:
                taken = pools.take(transaction, "p")
                assert (taken is None) == (len(held) == USABLE.size)
                if taken is not None:
                    assert taken not in held
                    assert USABLE.first <= taken <= USABLE.last
                    held.add(taken)
            pool = pools.find(transaction, "p")
            assert pool is not None
            assert pool.available == USABLE.size - len(held)

    database.write_now(play)


@pytest.mark.parametrize("seed", range(4))
def test_several_are_handed_out_as_one_after_the_other_would_be(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    held: dict[str, set[int]] = {"p": set(), "q": set(), "r": set()}

    def play(transaction: Transaction) -> None:
        for pool_id in held:
            pools.create(transaction, pool_id, NETWORK, USABLE)
        for _ in range(200):
            wanted = [chance.choice(sorted(held)) for _ in range(chance.randint(1, 4))]
            for pool_id, taken in zip(wanted, pools.take_several(transaction, wanted), strict=True):
                assert (taken is None) == (len(held[pool_id]) == USABLE.size)
                if taken is not None:
                    assert taken not in held[pool_id]
                    assert USABLE.first <= taken <= USABLE.last
                    held[pool_id].add(taken)
            for pool_id, addresses in held.items():
                for address in chance.sample(sorted(addresses), len(addresses) // 6):
                    pools.release(transaction, pool_id, address)
                    addresses.remove(address)
                pool = pools.find(transaction, pool_id)
                assert pool is not None
                assert pool.available == USABLE.size - len(addresses)
        with pytest.raises(KeyError):
            pools.take_several(transaction, ["p", "none"])

    database.write_now(play)


def test_a_freed_address_is_not_given_out_while_there_are_fresh_ones(database: Database) -> None:
    def play(transaction: Transaction) -> None:
        pools.create(transaction, "p", NETWORK, USABLE)
        first = pools.take(transaction, "p")
        assert first is not None
        pools.release(transaction, "p", first)
        others = [pools.take(transaction, "p") for _ in range(USABLE.size - 1)]
        assert first not in others
        assert pools.take(transaction, "p") == first
        assert pools.take(transaction, "p") is None

    database.write_now(play)


def test_public_addresses_go_back_to_the_pool_that_they_are_of(database: Database) -> None:
    first, second = ipaddress.IPv4Network("10.0.0.0/27"), ipaddress.IPv4Network("10.9.0.0/29")

    def play(transaction: Transaction) -> None:
        pools.ensure_public(transaction, first)
        address = pools.take(transaction, pools.public_pool(first))
        assert address == int(first[2])
        pools.ensure_public(transaction, second)
        assert [pool.network for pool in pools.public_pools(transaction)] == [str(first), str(second)]
        assert pools.take(transaction, pools.public_pool(second)) == int(second[2])
        pools.release_public(transaction, address)
        pools.ensure_public(transaction, second)
        # Nothing is in use of the first one any more.
        assert [pool.network for pool in pools.public_pools(transaction)] == [str(second)]
        with pytest.raises(KeyError):
            pools.release_public(transaction, address)

    database.write_now(play)


def test_a_public_pool_that_overlaps_one_in_use_is_refused(database: Database) -> None:
    first, wider = ipaddress.IPv4Network("10.0.0.0/27"), ipaddress.IPv4Network("10.0.0.0/24")

    def play(transaction: Transaction) -> None:
        pools.ensure_public(transaction, first)
        address = pools.take(transaction, pools.public_pool(first))
        with pytest.raises(pools.PoolOverlap, match="1 addresses are in use"):
            pools.ensure_public(transaction, wider)
        assert address is not None
        pools.release_public(transaction, address)
        pools.ensure_public(transaction, wider)

    database.write_now(play)


def test_an_unknown_pool_is_an_error(database: Database) -> None:
    with pytest.raises(KeyError):
        database.write_now(lambda transaction: pools.take(transaction, "none"))
