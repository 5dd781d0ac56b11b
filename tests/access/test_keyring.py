"""The first administrator: made up once, kept, replaced when the environment says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gatewright.access import keyring
from gatewright.access.keyring import AccessKey, Administrator, Keyring
from gatewright.errors import ConfigurationError
from gatewright.secrets import Sealer
from gatewright.store import accounts
from gatewright.store.backends import backend_of
from gatewright.store.database import Database
from gatewright.store.upgrade import prepare

NOBODY = Administrator(None, None, None)
SEALER = Sealer(b"k" * 32)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    backend = backend_of(database_url)
    prepare(backend)
    opened = Database(backend)
    yield opened
    opened.close()


def settle(database: Database, wanted: Administrator) -> tuple[AccessKey | None, Keyring]:
    return database.write_now(
        lambda transaction: (
            keyring.settle_first_administrator(transaction, SEALER, wanted, 1),
            keyring.load(transaction, SEALER),
        )
    )


def only(keys: Keyring) -> AccessKey:
    (key,) = keys
    return key


def test_a_key_is_made_up_once_and_kept(database: Database) -> None:
    made_up, keys = settle(database, NOBODY)
    assert made_up is not None
    assert only(keys) == made_up
    again, keys = settle(database, NOBODY)
    assert again is None
    assert only(keys) == made_up


def test_the_environment_wins(database: Database) -> None:
    made_up, _ = settle(database, NOBODY)
    assert made_up is not None
    shown, keys = settle(database, Administrator("42", "key", "secret"))
    assert shown is None
    assert (only(keys).id, only(keys).secret, only(keys).principal.account_id) == ("key", "secret", "42")
    shown, keys = settle(database, Administrator(None, "key", "changed"))
    assert (only(keys).secret, only(keys).principal.account_id) == ("changed", "42")
    _, keys = settle(database, Administrator("43", None, None))
    assert (only(keys).id, only(keys).principal.account_id) == ("key", "43")


def test_a_secret_is_sealed_and_opens_with_its_key_alone(database: Database) -> None:
    settle(database, Administrator("42", "key", "s3cret"))
    (row,) = database.write_now(accounts.access_key_rows)
    assert b"s3cret" not in row.secret
    with pytest.raises(ConfigurationError, match=r"secret\.key"):
        database.write_now(lambda transaction: keyring.load(transaction, Sealer(b"x" * 32)))


def test_a_key_does_not_print_its_secret(database: Database) -> None:
    _, keys = settle(database, Administrator("42", "key", "s3cret"))
    assert "s3cret" not in repr(only(keys)) + repr(Administrator("42", "key", "s3cret"))
