"""How long an item that breaks again and again is left alone before it is mended. Pure: times are passed in."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from gatewright.resources.specs import ItemKey

#: Breaks count together for so long, seconds.
WINDOW = 60.0
#: So many are mended at once: a kill by hand is no sickness.
_AT_ONCE = 3
_FIRST = 0.2
_LAST = 30.0


class Relapse(NamedTuple):
    """An item that has to wait."""

    #: How much longer, seconds.
    pause: float
    #: How often it broke within the window, and why last.
    times: int
    reason: str

    def __str__(self) -> str:
        return (
            f"it broke {self.times} times in {WINDOW:.0f} s, last: {self.reason};"
            f" it is mended again in {self.pause:.1f} s"
        )


class Relapses:
    """Remembers the breaks of one host's items. Times are seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._breaks: dict[ItemKey, deque[tuple[float, str]]] = {}

    def note(self, key: ItemKey, reason: str, now: float) -> None:
        """The item broke."""
        breaks = self._recent(key, now)
        breaks.append((now, reason))
        self._breaks[key] = breaks

    def forget(self, key: ItemKey) -> None:
        """The item is wanted no longer."""
        self._breaks.pop(key, None)

    def of(self, key: ItemKey, now: float) -> Relapse | None:
        """Whether the item has to wait: not at first, then ever longer with each break."""
        breaks = self._recent(key, now)
        if len(breaks) <= _AT_ONCE:
            return None
        last, reason = breaks[-1]
        pause = last + min(_FIRST * 2.0 ** (len(breaks) - _AT_ONCE - 1), _LAST) - now
        return Relapse(pause, len(breaks), reason) if pause > 0 else None

    def _recent(self, key: ItemKey, now: float) -> deque[tuple[float, str]]:
        breaks = self._breaks.get(key, deque(maxlen=32))
        while breaks and breaks[0][0] < now - WINDOW:
            breaks.popleft()
        return breaks
