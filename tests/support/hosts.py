"""Hosts of a cell beside its own, each with an agent on a simulated plane or none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gatewright.agent.loop import Agent
from gatewright.agent.memory import RevisionMemory
from gatewright.clock import SystemClock
from gatewright.link.direct import DirectLink
from gatewright.plane.simulated import SimulatedPlane
from gatewright.reconcile import draining, removal
from gatewright.resources.specs import ItemKey
from gatewright.store import hosts, placements
from gatewright.store.hosts import HostRow
from gatewright.store.placements import PlacementRow
from gatewright.store.transaction import Transaction
from tests.support.cell import Cell

#: An agent tells nothing of itself over a direct link: its host counts as heard of for so long, milliseconds.
_A_TEST = 3_600_000


class Fleet:
    """Adds hosts to a cell, and runs their agents."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.planes: dict[str, SimulatedPlane] = {}
        self._agents: dict[str, asyncio.Task[None]] = {}

    def add(self, name: str, *zones: str, address: str = "", agent: bool = True, seen: bool = True) -> None:
        """``seen``: whether the host's agent was ever heard of."""
        seen_at = SystemClock().now() + _A_TEST if seen else None
        row = HostRow(name, 0, ",".join(zones), address, f"fingerprint of {name}", False, 1, seen_at, None)
        self.cell.run(self.cell.database.write(lambda transaction: hosts.add(transaction, row)))
        if agent:
            self.start(name)

    def start(self, name: str) -> None:
        """Run an agent for the host, on the plane that it had."""
        plane = self.planes.setdefault(name, SimulatedPlane())

        async def begin() -> None:
            agent = Agent(plane, DirectLink(self.cell.control_plane, name), RevisionMemory())
            self._agents[name] = asyncio.ensure_future(agent.run())

        self.cell.run(begin())

    def stop(self, name: str) -> None:
        """End the host's agent; what it runs stays."""
        task = self._agents.pop(name)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.cell.run(end())

    def close(self) -> None:
        for name in list(self._agents):
            self.stop(name)

    def row(self, name: str) -> HostRow:
        found = self.cell.run(self.cell.database.read(lambda transaction: hosts.find(transaction, name)))
        assert found is not None
        return found

    def silence(self, name: str) -> None:
        """Have the host's agent heard of for the last time a bit more than a minute ago."""
        then = SystemClock().now() - hosts.AWAY_AFTER - 1
        self.cell.run(self.cell.database.write(lambda transaction: hosts.met(transaction, name, then, 1)))

    def change(self, row: HostRow) -> None:
        self.cell.run(self.cell.database.write(lambda transaction: hosts.change(transaction, row)))

    def drain(self) -> None:
        """One round for the hosts that are being drained."""
        now = self.cell.clock.now()
        self.cell.run(self.cell.database.write(lambda transaction: draining.drain(transaction, now)))

    def remove(self, name: str, *, fenced: bool = False) -> int:
        def work(transaction: Transaction) -> int:
            return removal.remove(transaction, name, fenced=fenced, now=self.cell.clock.now())

        return self.cell.run(self.cell.database.write(work))

    def placed(self, *resource_ids: str) -> list[PlacementRow]:
        return self.cell.run(
            self.cell.database.read(lambda transaction: placements.of_resources(transaction, resource_ids))
        )

    def where(self, *resource_ids: str) -> dict[str, list[str]]:
        """The hosts that run the items of resources, by the items' ids; those that are to let go are in brackets."""
        found: dict[str, list[str]] = {}
        for row in self.placed(*resource_ids):
            found.setdefault(row.item_id, []).append(f"({row.host_id})" if row.tombstone else row.host_id)
        return {item: sorted(at) for item, at in found.items()}

    def runs(self, name: str) -> set[ItemKey]:
        """What the host really runs."""
        return set(self.planes[name].items)


def keys(items: Sequence[ItemKey]) -> set[str]:
    return {key.id for key in items}
