"""Telling the control plane how much goes through the host's instances: what has changed, now and then."""

from __future__ import annotations

import asyncio
import contextlib

from gatewright.link.contract import Link, LinkDown
from gatewright.plane.contract import Plane, PlaneError
from gatewright.resources.traffic import Count

#: How soon it is counted first, and again after the control plane was not there; seconds.
FIRST = 1.0


class TrafficReporter:
    """Counts as often as the control plane says, and tells only what differs from what was told last."""

    def __init__(self, plane: Plane, link: Link) -> None:
        self._plane = plane
        self._link = link
        self._told: dict[str, Count] = {}
        self._wait = FIRST

    async def run(self) -> None:
        """Tell for ever."""
        while True:
            await asyncio.sleep(self._wait)
            # a plane that cannot count now is told of by what it does otherwise
            with contextlib.suppress(LinkDown, PlaneError):
                await self.tell()

    async def tell(self) -> None:
        """Count once, and tell. Raises LinkDown, PlaneError."""
        counted = {count.id: count for count in await self._plane.traffic()}
        self._told = {key: count for key, count in self._told.items() if key in counted}
        news = [count for key, count in counted.items() if any(count.numbers) and self._told.get(key) != count]
        if news:
            self._wait = await self._link.traffic(news)
            self._told |= {count.id: count for count in news}
