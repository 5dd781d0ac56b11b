"""The events of a service, one after the other, through restarts of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from gatewright.client import Caller, Refused, Unreachable

VERSION = "2026-11-01"
#: Seconds between two questions; the second while the service is away.
_APART, _AWAY_APART = 0.5, 1.0
_MOST = 500


class Events(NamedTuple):
    """What has happened since."""

    events: list[dict[str, Any]]
    #: Some that came before these were not told.
    missed: bool


class Away(NamedTuple):
    """The service does not answer; it is asked again and again."""

    why: str


class Back(NamedTuple):
    """The service answers again."""


class Failed(NamedTuple):
    """There is no point in asking again."""

    error: Exception


News = Events | Away | Back | Failed


class EventFeed:
    """Asks for the events behind the last one that was told."""

    def __init__(self, caller: Caller, resource: str | None = None) -> None:
        """``resource``: only what happens to this one."""
        self._caller = caller
        self._asked = {"ResourceId": resource} if resource else {}
        self._after = ""

    def first(self, last: int) -> dict[str, Any]:
        """The answer with the last so many events. Raises Refused, Unreachable."""
        answer = self._ask({"MaxResults": str(max(last, 1))})
        if last == 0:
            answer["Events"]["Event"] = []
        return answer

    def next(self) -> Events:
        """The events since the last ones that were told. Raises Refused, Unreachable."""
        answer = self._ask({"After": self._after, "MaxResults": str(_MOST)})
        return Events(answer["Events"]["Event"], answer["Missed"])

    def run(self, last: int, tell: Callable[[News], None]) -> None:
        """Tell of the last so many events and of all that follow, until there is no point in it."""
        try:
            tell(Events(self.first(last)["Events"]["Event"], missed=False))
            while True:
                time.sleep(_APART)
                found = self._through_absences(tell)
                if found.events or found.missed:
                    tell(found)
        except Exception as error:
            tell(Failed(error))

    def _through_absences(self, tell: Callable[[News], None]) -> Events:
        away = False
        while True:
            try:
                found = self.next()
            except (Unreachable, Refused) as error:
                if not passing(error):
                    raise
                if not away:
                    tell(Away(str(error)))
                away = True
                time.sleep(_AWAY_APART)
                continue
            if away:
                tell(Back())
            return found

    def _ask(self, parameters: dict[str, str]) -> dict[str, Any]:
        answer = self._caller.call("DescribeEvents", {**self._asked, **parameters}, VERSION)
        self._after = answer["After"]
        return answer


def passing(error: Unreachable | Refused) -> bool:
    """Whether it may be another time: the service is away, or has too much to do."""
    return isinstance(error, Unreachable) or error.status >= 500 or error.code.startswith("Throttling")
