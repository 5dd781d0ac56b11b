"""How gateways and hosts stand, by the database: looked up when somebody asks, once for all who ask at that moment."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from gatewright.errors import ApiError
from gatewright.reconcile.watching import HostWatch
from gatewright.resources.statuses import GatewayStatus
from gatewright.store import gateways, hosts, placements
from gatewright.store.database import Database, StoreClosed
from gatewright.store.transaction import Transaction

#: Whoever asks within this time of another gets the same answer, seconds.
FRESH = 1.0
#: How long the database is waited for, seconds: Prometheus waits for ten, unless it is told otherwise.
PATIENCE = 5.0


class HostFigures(NamedTuple):
    """One host."""

    id: str
    #: When its agent was heard of last, milliseconds since the epoch; None: never.
    seen_at: int | None
    #: Items that are not (yet) as they are wanted, and those of them whose last try failed.
    pending: int
    failed: int
    #: For how long the oldest of them has been wanted, seconds.
    lag: float


class Figures(NamedTuple):
    """What the database tells, at one moment."""

    gateways: dict[str, int]
    hosts: tuple[HostFigures, ...]


class State:
    """Looks it up."""

    def __init__(self, database: Database, watch: HostWatch) -> None:
        self._database = database
        self._watch = watch
        self._one = asyncio.Lock()
        self._known: Figures | None = None
        self._at = -FRESH

    async def figures(self) -> Figures | None:
        """The figures; None while the database does not answer."""
        async with self._one:
            if time.monotonic() - self._at >= FRESH:
                self._known = await self._look()
                self._at = time.monotonic()
            return self._known

    def forget(self) -> None:
        """Look anew when somebody asks the next time."""
        self._at = -FRESH

    async def _look(self) -> Figures | None:
        try:
            async with asyncio.timeout(PATIENCE):
                counts, rows, unsettled = await self._database.read(_read)
        except (TimeoutError, ApiError, StoreClosed):
            return None
        told = []
        for row in rows:
            behind = unsettled.get(row.id)
            lag = self._watch.lag(row.id, behind.oldest if behind else None, row.revision)
            seen = max(filter(None, (row.seen_at, self._watch.seen.get(row.id))), default=None)
            told.append(HostFigures(row.id, seen, behind.items if behind else 0, behind.failed if behind else 0, lag))
        return Figures({status.value: counts.get(status.value, 0) for status in GatewayStatus}, tuple(told))


def _read(
    transaction: Transaction,
) -> tuple[dict[str, int], list[hosts.HostRow], dict[str, placements.Unsettled]]:
    by_status, behind = gateways.count_by_status(transaction), placements.unsettled(transaction)
    return by_status, hosts.every(transaction), behind
