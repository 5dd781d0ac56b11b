"""A service's database, for commands on the same machine: also while the service runs, as the API's user."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from gatewright.app.as_the_api import as_the_api
from gatewright.errors import ApiError, ConfigurationError, DatabaseAway
from gatewright.secrets import Sealer, load_key
from gatewright.settings import Settings
from gatewright.state_files import told
from gatewright.store.backends import SqliteBackend, backend_of
from gatewright.store.database import Database
from gatewright.store.transaction import Transaction
from gatewright.store.upgrade import check

Result = TypeVar("Result")
Work = Callable[[Transaction], Result]


def read(settings: Settings, work: Work[Result], kind: type[Result]) -> Result:
    """Run something that only reads in a transaction; ``kind`` is as of :func:`as_the_api`.

    Raises ConfigurationError, DatabaseAway.
    """
    return _run(settings, work, kind, writing=False)


def write(settings: Settings, work: Work[Result], kind: type[Result]) -> Result:
    """Run something in a transaction and commit it; ``kind`` is as of :func:`as_the_api`.

    Raises ConfigurationError, DatabaseAway.
    """
    return _run(settings, work, kind, writing=True)


def sealer_of(settings: Settings) -> Sealer:
    """What opens the secrets in the database; to be called as the API's user. Raises ConfigurationError."""
    path, given = settings.api_folder / "secret.key", os.environ.get("GATEWRIGHT_SECRET_KEY")
    with told(f"looking for {path}"):
        missing = given is None and not path.exists()
    if missing:
        raise ConfigurationError(f"there is no {path}: start `gatewright serve` once, or say --data")
    return Sealer(load_key(path, given, make=False))


def _run(settings: Settings, work: Work[Result], kind: type[Result], *, writing: bool) -> Result:
    def on_the_database() -> Result:
        backend = backend_of(settings.database)
        if isinstance(backend, SqliteBackend):
            with told(f"looking for {backend.path}"):
                there = backend.path.exists()
            if not there:
                raise ConfigurationError(
                    f"there is no database {backend.path}: start `gatewright serve` once, or say --data"
                )
        check(backend)
        database = Database(backend)
        try:
            return database.write_now(work) if writing else database.read_now(work)
        except ApiError as error:
            raise DatabaseAway(error.detail or error.message) from error
        finally:
            database.close()

    return as_the_api(settings, on_the_database, kind)
