"""Reporting: the newest observation of each item, sent until the control plane has it.

An item that changes faster than reports get through is told in its last state only.
"""

from __future__ import annotations

import asyncio
import logging

from gatewright.link.contract import Link, LinkDown
from gatewright.resources.specs import ItemKey, Observation

_log = logging.getLogger(__name__)
_RETRY = 0.5
_MOST = 1000


class Reporter:
    """Sends observations, one report at a time."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._unsent: dict[ItemKey, Observation] = {}
        self._something = asyncio.Event()
        #: Whether everything that was observed has been told.
        self.idle = True

    def observe(self, observation: Observation) -> None:
        """Send this as soon as the link is free, instead of anything unsent about the same item."""
        self._unsent[observation.key] = observation
        self._something.set()
        self.idle = False

    async def run(self) -> None:
        """Send for ever."""
        down = False
        while True:
            await self._something.wait()
            batch = dict(list(self._unsent.items())[:_MOST])
            for key in batch:
                del self._unsent[key]
            if not self._unsent:
                self._something.clear()
            try:
                await self._link.report(tuple(batch.values()))
                down = False
                self.idle = not self._unsent
            except LinkDown as error:
                if not down:
                    _log.warning("the control plane does not take reports: %s", error)
                down = True
                # What was seen meanwhile is newer than what could not be sent.
                self._unsent = batch | self._unsent
                self._something.set()
                await asyncio.sleep(_RETRY)
