"""Accounts and their access keys."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from gatewright.store import resource_groups
from gatewright.store.schema import access_keys, accounts
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class AccessKeyRow(msgspec.Struct, frozen=True):
    """One access key; the secret is sealed."""

    id: str
    account_id: str
    secret: bytes
    first_administrator: bool


class AccountRow(msgspec.Struct, frozen=True):
    """One account."""

    id: str
    created_at: int


_KEY_COLUMNS = (
    access_keys.c.id,
    access_keys.c.account_id,
    access_keys.c.secret,
    access_keys.c.first_administrator,
)
_LOCK = Statement(select(accounts.c.id).where(accounts.c.id == bindparam("account_id")).with_for_update())
_EVERY = Query(select(accounts.c.id, accounts.c.created_at).order_by(accounts.c.id), AccountRow)
_ADD_ACCOUNT = Statement(insert(accounts))
_KEYS = Query(select(*_KEY_COLUMNS), AccessKeyRow)
_ADD_KEY = Statement(insert(access_keys))
_DROP_KEY = Statement(delete(access_keys).where(access_keys.c.id == bindparam("key_id")))
_SET_KEY = Statement(
    update(access_keys)
    .where(access_keys.c.id == bindparam("key_id"))
    .values(account_id=bindparam("new_account"), secret=bindparam("new_secret"))
)


def lock(transaction: Transaction, account_id: str) -> None:
    """Make the writes of one account follow each other. Every write takes this lock first."""
    if not transaction.alone:
        transaction.scalar(_LOCK, account_id=account_id)


def ensure(transaction: Transaction, account_id: str, now: int) -> None:
    """Add the account, with its default resource group, unless it is there."""
    if transaction.scalar(_LOCK, account_id=account_id) is None:
        transaction.run(_ADD_ACCOUNT, id=account_id, created_at=now)
        resource_groups.add_default(transaction, account_id, now)


def every(transaction: Transaction) -> list[AccountRow]:
    """All accounts, in the order in which several are locked."""
    return transaction.all(_EVERY)


def access_key_rows(transaction: Transaction) -> list[AccessKeyRow]:
    """All access keys."""
    return transaction.all(_KEYS)


def add_access_key(transaction: Transaction, row: AccessKeyRow, now: int) -> None:
    """Add an access key."""
    transaction.run(_ADD_KEY, **msgspec.structs.asdict(row), created_at=now)


def replace_access_key(transaction: Transaction, key_id: str, account_id: str, secret: bytes) -> None:
    """Give a key another account and (sealed) secret."""
    transaction.run(_SET_KEY, key_id=key_id, new_account=account_id, new_secret=secret)


def drop_access_key(transaction: Transaction, key_id: str) -> None:
    """Forget a key."""
    transaction.run(_DROP_KEY, key_id=key_id)
