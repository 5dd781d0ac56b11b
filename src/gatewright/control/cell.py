"""The service that is steered, as the control API knows it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from gatewright.agent.simulated_host import SimulatedHost
from gatewright.control.steering import Steering
from gatewright.secrets import Sealer
from gatewright.store import hosts
from gatewright.store.database import Database
from gatewright.store.transaction import Transaction
from gatewright.wire.throttling import Throttle


class Cell(NamedTuple):
    """One service."""

    database: Database
    host: SimulatedHost
    steering: Steering
    #: Makes a database have what it needs besides state, in a transaction that replaced the state.
    found: Callable[[Transaction], object]
    #: The accounts that access keys belong to.
    own: Collection[str]
    #: What counts how often calls come; None where that is not limited.
    throttle: Throttle | None
    #: Seals and opens the secrets of resources.
    sealer: Sealer

    async def settle(self) -> None:
        """Wait until the host has begun what was asked of the API so far, and told what came of it."""
        revision = await self.database.read(lambda transaction: hosts.revision(transaction, hosts.LOCAL))
        await self.host.settled(revision or 0)
