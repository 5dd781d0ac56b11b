"""How often something may be done, however often somebody else would have it done. Pure."""

from __future__ import annotations


class Pace:
    """Some at once, and in the long run so many a second. Times are seconds of a clock that only goes forward."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """``rate`` are those of a second, ``burst`` those at once."""
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled = now

    def left(self, now: float) -> float:
        """In how many seconds the next one may be done, 0 if at once."""
        self._fill(now)
        return max(0.0, (1 - self._tokens) / self._rate)

    def take(self, now: float) -> bool:
        """Do one; False if it may not be done yet."""
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
