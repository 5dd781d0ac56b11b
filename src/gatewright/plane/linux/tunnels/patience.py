"""When a tunnel that does not come up is tried again: soon at first, then ever more slowly. Pure."""

from __future__ import annotations

#: Seconds between two tries, first and longest.
FIRST, LONGEST = 1.0, 30.0
#: One that was up for so long, in seconds, and has gone down begins anew.
LASTED = 5.0
#: How often the time between two tries is doubled at the most; the longest is reached long before.
_DOUBLINGS = 64


class Patience:
    """Times are seconds of a clock that only goes forward."""

    def __init__(self, first: float = FIRST, longest: float = LONGEST, lasted: float = LASTED) -> None:
        """``first`` and ``longest`` are between two tries; one that was up for ``lasted`` seconds begins anew."""
        self._first = first
        self._longest = longest
        self._lasted = lasted
        self._tries = 0
        self._due = 0.0
        self._up_since: float | None = None

    def is_up(self, now: float) -> None:
        if self._up_since is None:
            self._up_since = now

    def is_down(self, now: float) -> None:
        if self._up_since is not None:
            if now - self._up_since >= self._lasted:
                self.begin_anew()
            self._up_since = None

    def begin_anew(self) -> None:
        self._tries, self._due = 0, 0.0

    def left(self, now: float) -> float:
        """How long until the next try, 0 if it is due."""
        return max(0.0, self._due - now)

    def tried(self, now: float) -> None:
        self._due = now + min(self._first * 2.0**self._tries, self._longest)
        # a float's exponent ends somewhere, and a peer may be away for months
        self._tries = min(self._tries + 1, _DOUBLINGS)
