"""How gateways and hosts stand, by the database: looked up when somebody asks, once for all who ask at that moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from heapq import nsmallest
from typing import NamedTuple

from gatewright.errors import ApiError
from gatewright.reconcile.traffic import Traffic
from gatewright.reconcile.watching import HostWatch
from gatewright.resources.statuses import GatewayStatus
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import TunnelStatus
from gatewright.store import gateways, hosts, placements, tunnel_states
from gatewright.store.database import Database, StoreClosed
from gatewright.store.transaction import Transaction

#: Whoever asks within this time of another gets the same answer, seconds.
FRESH = 1.0
#: How long the database is waited for, seconds: Prometheus waits for ten, unless it is told otherwise.
PATIENCE = 5.0
#: Instances whose traffic is told: the ones with the smallest ids. Each is four series.
MOST_INSTANCES = 10_000


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


class InstanceFigures(NamedTuple):
    """What has gone through one instance of a gateway."""

    gateway: str
    carried: Count


class Figures(NamedTuple):
    """What the database and hosts tell, at one moment."""

    gateways: dict[str, int]
    tunnels: dict[str, int]
    hosts: tuple[HostFigures, ...]
    instances: tuple[InstanceFigures, ...]


class State:
    """Looks it up."""

    def __init__(self, database: Database, watch: HostWatch, traffic: Traffic) -> None:
        self._database = database
        self._watch = watch
        self._traffic = traffic
        #: Whose instances those are that something went through; that never changes.
        self._owners: dict[str, str] = {}
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
                totals = {
                    instance_id: total.count
                    for instance_id, total in nsmallest(MOST_INSTANCES, self._traffic.totals().items())
                }
                self._owners = {each: owner for each, owner in self._owners.items() if each in totals}
                strangers = [each for each in totals if each not in self._owners]
                counts, tunnels, rows, unsettled, owners = await self._database.read(
                    partial(_read, strangers=strangers)
                )
                self._owners |= owners
        except (TimeoutError, ApiError, StoreClosed):
            return None
        told = []
        for row in rows:
            behind = unsettled.get(row.id)
            lag = self._watch.lag(row.id, behind.oldest if behind else None, row.revision)
            seen = max(filter(None, (row.seen_at, self._watch.seen.get(row.id))), default=None)
            told.append(HostFigures(row.id, seen, behind.items if behind else 0, behind.failed if behind else 0, lag))
        carried = (InstanceFigures(self._owners[each], count) for each, count in totals.items() if each in self._owners)
        return Figures(
            {status.value: counts.get(status.value, 0) for status in GatewayStatus},
            {status.value: tunnels.get(status.value, 0) for status in TunnelStatus},
            tuple(told),
            tuple(carried),
        )


class _Rows(NamedTuple):
    by_status: dict[str, int]
    tunnels_by_status: dict[str, int]
    hosts: list[hosts.HostRow]
    unsettled: dict[str, placements.Unsettled]
    #: Gateways by instance.
    owners: dict[str, str]


def _read(transaction: Transaction, strangers: Sequence[str]) -> _Rows:
    return _Rows(
        gateways.count_by_status(transaction),
        tunnel_states.count_by_status(transaction),
        hosts.every(transaction),
        placements.unsettled(transaction),
        gateways.owners_of(transaction, strangers),
    )
