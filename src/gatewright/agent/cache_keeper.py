"""Keeps the cache up to what is wanted: a few writes a second at the most, and a word when a change is on the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from gatewright.agent.cache import Cache, CacheUnusable
from gatewright.plane.contract import PlaneError
from gatewright.resources.specs import Spec

_log = logging.getLogger(__name__)
#: Writes begin at least so many seconds apart.
APART = 0.25
#: After a write that failed the next one is tried so many seconds later.
_RETRY = 5.0


class CacheKeeper:
    """All methods are called on the event loop."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._changed = asyncio.Event()
        #: How many changes there were, and how many of them the file has.
        self._noted = 0
        self._kept = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def load(self) -> tuple[Spec, ...]:
        """What was wanted last. A cache that cannot be used is said in the log, and counts as none."""
        try:
            specs = self._cache.load()
        except CacheUnusable as error:
            _log.error("the cache is ignored, items wait for the control plane: %s", error)
            return ()
        if specs:
            _log.info("the cache has %d items", len(specs))
        return specs

    def note(self) -> None:
        """What is wanted has changed."""
        self._noted += 1
        self._changed.set()

    async def kept(self) -> None:
        """Wait until every change noted so far is on the disk, if only by there being no cache any more.

        Raises PlaneError when neither can be had.
        """
        if self._kept < self._noted:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append((self._noted, waiting))
            await waiting

    async def run(self, wanted: Callable[[], tuple[Spec, ...]]) -> None:
        """Write for ever; when cancelled, write what is left to write first."""
        while True:
            try:
                await self._changed.wait()
                self._changed.clear()
                delay = APART if await self._write(wanted()) else _RETRY
                await asyncio.sleep(delay)
            except asyncio.CancelledError:
                if self._kept < self._noted:
                    await self._write(wanted())
                raise

    async def _write(self, specs: tuple[Spec, ...]) -> bool:
        """Whether the cache has been written. A thread that writes is waited for even when we are cancelled."""
        noted = self._noted
        writing = asyncio.ensure_future(asyncio.to_thread(self._try, specs))
        try:
            failure, written = await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait((writing,))
            raise
        if not written:
            self._changed.set()
        if failure is None:
            self._kept = noted
        for number, waiting in self._waiting:
            if number <= noted and not waiting.done():
                if failure is None:
                    waiting.set_result(None)
                else:
                    waiting.set_exception(PlaneError(failure))
        self._waiting = [(number, waiting) for number, waiting in self._waiting if not waiting.done()]
        return written

    def _try(self, specs: tuple[Spec, ...]) -> tuple[str | None, bool]:
        """Store; if that fails, have no cache rather than one that says what is no longer wanted. In a thread."""
        try:
            self._cache.store(specs)
        except OSError as error:
            _log.error(
                "the cache %s cannot be written (%s) and is removed: until it can be, instances do not come back from "
                "a reboot before the control plane does",
                self._cache.path,
                error.strerror,
            )
        else:
            return None, True
        try:
            self._cache.discard()
        except OSError as error:
            return (
                f"what was removed cannot be taken out of the cache {self._cache.path} ({error.strerror}): mend the "
                "disk, or the item would be back after a reboot"
            ), False
        return None, False
