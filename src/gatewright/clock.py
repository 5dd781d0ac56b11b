"""Time as a value that is passed in, so that tests own it.

Everything that asks "what time is it" takes a :class:`Clock`. Nothing else in the package reads the system's
clock, apart from the event loop's own timers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

_ISO_SECONDS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")


class Clock(Protocol):
    """Where the service's idea of the present comes from."""

    def now(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z, the unit of the API's ``CreateTime``."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000


class UnskippingClock:
    """Another clock's time, as long as that does not skip ahead: then it goes on as if that had not happened.

    What may be forgotten for good once it is old enough asks this one: a wall clock that is set an hour ahead by
    mistake is set back some time later, and then the hour has not gone by.
    """

    def __init__(self, clock: Clock, ticks: Callable[[], float] = time.monotonic) -> None:
        """``ticks`` are seconds of a clock that nobody sets."""
        self._clock = clock
        self._ticks = ticks
        self._began, self._first = clock.now(), ticks()

    def now(self) -> int:
        """Milliseconds since the epoch, never ahead of the other clock."""
        return min(self._clock.now(), self._began + round((self._ticks() - self._first) * 1000))


class ManualClock:
    """A clock that stands still until somebody moves it."""

    def __init__(self, now: int = 1_800_000_000_000) -> None:
        self._now = now

    def now(self) -> int:
        """Milliseconds since the epoch, as last set."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock; a negative number moves it back."""
        self._now += round(seconds * 1000)


def iso_seconds(milliseconds: int) -> str:
    """``2026-11-23T08:00:00Z``, the form of the VPC operations' ``CreationTime``."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_iso_seconds(text: str) -> int | None:
    """Milliseconds of ``2026-11-23T08:00:00Z``, or None when the text is of another form."""
    if not _ISO_SECONDS.match(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000
