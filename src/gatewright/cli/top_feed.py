"""Looking at a service again and again, for ``gatewright top``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gatewright.cli.event_feed import VERSION, Away, EventFeed, Failed, passing
from gatewright.cli.top_model import EVENTS, Look
from gatewright.client import Caller, Refused, Unreachable

#: Gateways an answer, and answers a look.
_PAGE, _PAGES = 500, 4

News = Look | Away | Failed


class TopFeed:
    """Asks for instances and events."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._events = EventFeed(caller)
        self._begun = False

    def look(self) -> Look:
        """How the service is now. Raises Refused, Unreachable."""
        pages: list[dict[str, Any]] = []
        token = ""
        while len(pages) < _PAGES:
            more = {"NextToken": token} if token else {}
            pages.append(self._caller.call("DescribeInstances", {"MaxResults": str(_PAGE), **more}, VERSION))
            token = pages[-1].get("NextToken", "")
            if not token:
                break
        happened = self._events.next().events if self._begun else self._events.first(EVENTS)["Events"]["Event"]
        self._begun = True
        return Look(
            plane=pages[0]["Plane"],
            time=pages[-1]["Time"],
            hosts=pages[0]["Hosts"]["Host"],
            instances=[each for page in pages for each in page["Instances"]["Instance"]],
            more=bool(token),
            events=happened,
        )

    def run(self, every: float, tell: Callable[[News], None]) -> None:
        """Tell of a look every so many seconds; the first one has to succeed."""
        begun = False
        try:
            while True:
                try:
                    tell(self.look())
                    begun = True
                except (Refused, Unreachable) as error:
                    if not begun or not passing(error):
                        raise
                    tell(Away(str(error)))
                time.sleep(every)
        except Exception as error:
            tell(Failed(error))
