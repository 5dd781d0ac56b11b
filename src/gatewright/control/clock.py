"""The service's clock, which a test sets and advances. Real time goes on from there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import UNSET, UnsetType

from gatewright.clock import Clock, iso_seconds, parse_iso_seconds
from gatewright.control.routes import Asked, Body, Refusal, Route, wrong

_EARLIEST = "2000-01-01T00:00:00Z"
#: Far enough from the last year that a date can have for terms to be added to it.
_LATEST = "2199-01-01T00:00:00Z"
#: What time goes on from there until a snapshot is taken.
_LATEST_REACHED = "2200-01-01T00:00:00Z"
#: The event loop's timers are for hours, not for years: how long one is set for, milliseconds.
_LONGEST_TIMER = 24 * 3600 * 1000


class SteeredClock:
    """The machine's clock, and how far ahead of it the service is. ``now`` may be asked on any thread."""

    def __init__(self, machine: Clock) -> None:
        self._machine = machine
        self._ahead = 0
        self._jumped = asyncio.Event()

    @property
    def ahead(self) -> int:
        """Milliseconds ahead of the machine's clock; negative behind it."""
        return self._ahead

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return self._machine.now() + self._ahead

    def set(self, now: int | None) -> None:
        """Make it be this time now; None for the machine's own. On the event loop. Raises ValueError beyond bounds."""
        self.check(now, _LATEST)
        self._restore(now)

    def skip(self, milliseconds: int) -> None:
        """Make it be so much later, to the millisecond. On the event loop. Raises ValueError beyond bounds."""
        self.check(self.now() + milliseconds, _LATEST)
        self._jump(self._ahead + milliseconds)

    def restore(self, now: int | None) -> None:
        """The same for a time that was reached from one that was set, which may be later."""
        self.check(now)
        self._restore(now)

    def _restore(self, now: int | None) -> None:
        self._jump(0 if now is None else now - self._machine.now())

    def _jump(self, ahead: int) -> None:
        self._ahead = ahead
        self.wake()

    def wake(self) -> None:
        """Have who sleeps look what time it is: where the machine's clock was set, no timer goes off. On the loop."""
        self._jumped.set()
        self._jumped = asyncio.Event()

    def check(self, now: int | None, latest: str = _LATEST_REACHED) -> None:
        """Whether it can be this time. Raises ValueError."""
        first, last = parse_iso_seconds(_EARLIEST) or 0, parse_iso_seconds(latest) or 0
        if now is not None and not first <= now <= last:
            raise ValueError(f"it would be another time than {_EARLIEST} to {latest}")

    async def sleep_until(self, moment: int) -> None:
        """Return once it is that time, be it that time passed or that it was skipped."""
        while (left := moment - self.now()) > 0:
            jumped = self._jumped
            try:
                async with asyncio.timeout(min(left, _LONGEST_TIMER) / 1000):
                    await jumped.wait()
            except TimeoutError:
                continue


class ClockChange(Body):
    """A new time, or how much of it to skip."""

    set: str | UnsetType | None = UNSET
    #: Seconds.
    advance: float | UnsetType = UNSET


def routes(clock: SteeredClock) -> tuple[Route, ...]:
    """``/v1/clock``."""

    async def tell(asked: Asked) -> dict[str, object]:  # noqa: ARG001 - a request without contents
        return {"now": iso_seconds(clock.now()), "ahead": clock.ahead / 1000}

    async def change(asked: Asked) -> dict[str, object]:
        body: ClockChange = asked.body
        if (body.set is UNSET) == (body.advance is UNSET):
            raise Refusal(400, "give either set or advance")
        if body.set is None:
            clock.set(None)
        elif isinstance(body.set, str):
            moment = parse_iso_seconds(body.set)
            if moment is None:
                raise wrong("set", "must be a UTC time such as 2026-11-24T00:00:00Z, or null for the machine's own")
            _change("set", clock.set, moment)
        elif isinstance(body.advance, int | float):
            if not body.advance >= 0:
                raise wrong("advance", "must be a number of seconds, 0 or more; use set to go back")
            _change("advance", clock.skip, round(min(body.advance, 1e12) * 1000))
        return await tell(asked)

    return (Route("GET", "/v1/clock", tell), Route("POST", "/v1/clock", change, ClockChange, settles=True))


def _change(parameter: str, change: Callable[[int], None], value: int) -> None:
    try:
        change(value)
    except ValueError as error:
        raise wrong(parameter, f"cannot be that: {error}") from error
