"""Tells at once when a daemon that should run has ended: one pidfd per item in the event loop."""

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
        self._watched: dict[ItemKey, Process] = {}

    def add(self, key: ItemKey, process: Process) -> None:
        """Watch an item's process, in place of the one before; it is closed here in the end."""
        self.drop(key)
        self._watched[key] = process
        self._loop.add_reader(process.descriptor, self._ended, key, process)

    def drop(self, key: ItemKey) -> None:
        """Watch the item no longer: what happens to its process now is our own doing."""
        process = self._watched.pop(key, None)
        if process is not None:
            self._loop.remove_reader(process.descriptor)
            process.close()

    def close(self) -> None:
        for key in tuple(self._watched):
            self.drop(key)

    def _ended(self, key: ItemKey, process: Process) -> None:
        reason = f"charon: {processes.epitaph(process)}"
        self.drop(key)
        self._changed(key, reason)
