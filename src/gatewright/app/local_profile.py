"""How to call the service that runs on a data directory of this machine, for whoever may read that directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from gatewright import settings as settings_module
from gatewright.access import keyring
from gatewright.access.keyring import AccessKey
from gatewright.app import running, stored
from gatewright.app.running import Running
from gatewright.client.profile import Profile
from gatewright.errors import ConfigurationError
from gatewright.store.transaction import Transaction


class LocalService(NamedTuple):
    """A service that runs here, and its first administrator's key."""

    running: Running
    key: AccessKey


def local_profile(data: Path) -> Profile:
    """Endpoint, region and the first administrator's key. Raises ConfigurationError."""
    found = local_service(data)
    return Profile(
        found.running.endpoint,
        found.key.id,
        found.key.secret,
        found.running.region,
        None if found.running.ca is None else Path(found.running.ca),
        source=f"the service on {data}",
        data=data.absolute(),
    )


def local_service(data: Path) -> LocalService:
    """The same, with more about the service. Raises ConfigurationError."""
    data = data.absolute()
    found = running.find(data)
    url = os.environ.get("GATEWRIGHT_DATABASE", "") if found.database is None else found.database
    if not url:
        raise ConfigurationError(
            f"the database of the service on {data} has a password: set GATEWRIGHT_DATABASE as it is for the service"
        )
    # nothing else of this process's environment concerns a service that runs
    settings = settings_module.load({"data": str(data)}, {"GATEWRIGHT_DATABASE": url}, None)

    def work(transaction: Transaction) -> AccessKey:
        key = keyring.first_administrator(transaction, stored.sealer_of(settings))
        if key is None:
            raise ConfigurationError(f"the service on {data} has no access key any more: start it anew")
        return key

    return LocalService(found, stored.read(settings, work, AccessKey))
