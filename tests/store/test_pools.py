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
    held: dict[str, int] = {}

    def play(transaction: Transaction) -> None:
        pools.create(transaction, "p", NETWORK, USABLE)
        for number in range(400):
            if held and chance.random() < 0.48:
                owner = chance.choice(sorted(held))
                pools.release_all(transaction, owner)
                del held[owner]
            else:
                address = pools.take(transaction, "p", f"o{number}")
                assert (address is None) == (len(held) == USABLE.size)
                if address is not None:
                    assert address not in held.values()
                    assert USABLE.first <= address <= USABLE.last
                    held[f"o{number}"] = address
            pool = pools.find(transaction, "p")
            assert pool is not None
            assert pool.available == USABLE.size - len(held)

    database.write_now(play)


def test_a_freed_address_is_not_given_out_at_once(database: Database) -> None:
    def play(transaction: Transaction) -> None:
        pools.create(transaction, "p", NETWORK, USABLE)
        first = pools.take(transaction, "p", "a")
        pools.release_all(transaction, "a")
        assert pools.take(transaction, "p", "b") != first

    database.write_now(play)


def test_another_public_network_leaves_what_is_handed_out(database: Database) -> None:
    def play(transaction: Transaction) -> None:
        pools.ensure_public(transaction, NETWORK, USABLE)
        assert pools.take(transaction, pools.PUBLIC, "a") == USABLE.first
        other = ipaddress.IPv4Network("10.9.0.0/29")
        pools.ensure_public(transaction, other, AddressRange(int(other[2]), int(other[6])))
        assert pools.take(transaction, pools.PUBLIC, "b") == int(other[2])
        pools.ensure_public(transaction, NETWORK, USABLE)
        assert pools.take(transaction, pools.PUBLIC, "c") == USABLE.first + 1
        pools.release_all(transaction, "a")

    database.write_now(play)


def test_an_unknown_pool_is_an_error(database: Database) -> None:
    with pytest.raises(KeyError):
        database.write_now(lambda transaction: pools.take(transaction, "none", "a"))
