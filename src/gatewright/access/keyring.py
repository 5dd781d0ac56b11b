"""Access keys: kept sealed in the database, open in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gatewright import ids
from gatewright.access.principal import Principal
from gatewright.errors import ConfigurationError
from gatewright.secrets import Place, Sealer, SealError
from gatewright.store import accounts
from gatewright.store.accounts import AccessKeyRow
from gatewright.store.transaction import Transaction


class AccessKey(NamedTuple):
    """One usable key."""

    id: str
    secret: str
    principal: Principal

    def __repr__(self) -> str:
        return f"AccessKey(id={self.id!r}, secret=***, principal={self.principal!r})"


class Administrator(NamedTuple):
    """What the environment says of the first administrator; None where it says nothing."""

    account_id: str | None
    key_id: str | None
    secret: str | None

    def __repr__(self) -> str:
        return f"Administrator(account_id={self.account_id!r}, key_id={self.key_id!r}, secret=***)"


def _place(key_id: str) -> Place:
    return Place("access_keys", key_id, "secret")


class Keyring:
    """The installation's access keys by id."""

    def __init__(self, keys: dict[str, AccessKey]) -> None:
        self._keys = keys

    def find(self, key_id: str) -> AccessKey | None:
        """A key, or None."""
        return self._keys.get(key_id)

    def __iter__(self) -> Iterator[AccessKey]:
        return iter(self._keys.values())


def settle_first_administrator(
    transaction: Transaction, sealer: Sealer, wanted: Administrator, now: int
) -> AccessKey | None:
    """Make the first administrator be what the environment says; what it does not say stays or is made up.

    Returns the key when it was made up now: that is the only time its secret is shown.
    """
    stored = next((row for row in accounts.access_key_rows(transaction) if row.first_administrator), None)
    account_id = wanted.account_id or (stored.account_id if stored else ids.account_id())
    accounts.ensure(transaction, account_id, now)
    made_up = stored is None and wanted.key_id is None
    if wanted.key_id is not None and wanted.secret is not None:
        key_id, secret = wanted.key_id, wanted.secret
    elif stored is not None:
        key_id, secret = stored.id, _open(sealer, stored)
    else:
        key_id, secret = ids.access_key_id(), ids.access_key_secret()
    sealed = sealer.seal(secret, _place(key_id))
    if stored is not None and stored.id == key_id:
        accounts.replace_access_key(transaction, key_id, account_id, sealed)
    else:
        if stored is not None:
            accounts.drop_access_key(transaction, stored.id)
        accounts.drop_access_key(transaction, key_id)
        accounts.add_access_key(transaction, AccessKeyRow(key_id, account_id, sealed, True), now)
    return AccessKey(key_id, secret, Principal(account_id)) if made_up else None


def first_administrator(transaction: Transaction, sealer: Sealer) -> AccessKey | None:
    """The first administrator's key; None before the first start. Raises ConfigurationError as :func:`load`."""
    for row in accounts.access_key_rows(transaction):
        if row.first_administrator:
            return AccessKey(row.id, _open(sealer, row), Principal(row.account_id))
    return None


def load(transaction: Transaction, sealer: Sealer) -> Keyring:
    """All keys, opened. Raises ConfigurationError when the sealing key is not the one they were sealed with."""
    return Keyring(
        {
            row.id: AccessKey(row.id, _open(sealer, row), Principal(row.account_id))
            for row in accounts.access_key_rows(transaction)
        }
    )


def _open(sealer: Sealer, row: AccessKeyRow) -> str:
    try:
        return sealer.open(row.secret, _place(row.id))
    except SealError as error:
        raise ConfigurationError(
            f"{error}: start with the secret.key that belongs to this database (or its GATEWRIGHT_SECRET_KEY)"
        ) from error
