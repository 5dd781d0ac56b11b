"""How long a tunnel that has come back must carry until it is preferred again. Pure."""

from __future__ import annotations

#: Seconds: of one that was lost for the first time in a while, and of one that is lost again and again.
FIRST, LONGEST = 1.0, 30.0
#: One that was good for so long is no longer thought of as one that comes and goes, seconds.
_LASTED = 60.0


class Steadiness:
    """Times are seconds of a clock that only goes forward. A tunnel that was never lost is steady at once."""

    def __init__(self, *, doubtful: bool = False) -> None:
        """``doubtful``: it may have been lost before."""
        self._hold = FIRST if doubtful else 0.0
        self._good_since: float | None = None

    def good(self, now: float) -> float:
        """It carries. Gives how long until it is steady, 0 if it is."""
        if self._good_since is None:
            self._good_since = now
        return max(0.0, self._good_since + self._hold - now)

    def bad(self, now: float) -> None:
        """It does not carry."""
        if self._good_since is None:
            return
        lasted = now - self._good_since >= _LASTED
        self._hold = FIRST if lasted else min(max(FIRST, self._hold * 2), LONGEST)
        self._good_since = None
