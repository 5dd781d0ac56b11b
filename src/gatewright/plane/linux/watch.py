"""Tells at once when a daemon that should run has ended: a pidfd for each in the event loop."""

from __future__ import annotations

import asyncio

from gatewright.plane.contract import Changed
from gatewright.plane.linux import processes
from gatewright.plane.linux.processes import Process
from gatewright.resources.specs import ItemKey


class Watch:
    """All methods are called on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, changed: Changed) -> None:
        self._loop = loop
        self._changed = changed
        self._watched: dict[ItemKey, dict[str, Process]] = {}

    def add(self, key: ItemKey, name: str, process: Process) -> None:
        """Watch an item's daemon of that name, in place of the one before; it is closed here in the end."""
        daemons = self._watched.setdefault(key, {})
        if (before := daemons.pop(name, None)) is not None:
            self._let_go(before)
        daemons[name] = process
        self._loop.add_reader(process.descriptor, self._ended, key, name, process)

    def drop(self, key: ItemKey) -> None:
        """Watch the item no longer: what happens to its daemons now is our own doing."""
        for process in self._watched.pop(key, {}).values():
            self._let_go(process)

    def close(self) -> None:
        for key in tuple(self._watched):
            self.drop(key)

    def _let_go(self, process: Process) -> None:
        self._loop.remove_reader(process.descriptor)
        process.close()

    def _ended(self, key: ItemKey, name: str, process: Process) -> None:
        reason = f"{name}: {processes.epitaph(process)}"
        # the item is going to be applied again, whatever becomes of its others until then
        self.drop(key)
        self._changed(key, reason)
