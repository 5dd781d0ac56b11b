"""How often an account may call an operation: refuses what comes too often, and says when to come again.

The window slides: whichever 60 seconds one looks at, no more calls than the limit were let through in them. Refused
calls do not count (*assumed*), so a client that waits for as long as it was told is let through. Counts are kept in
the process's memory: a restart forgets them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping

from gatewright.clock import Clock
from gatewright.errors import THROTTLED

#: How long a call counts, milliseconds.
WINDOW = 60_000
#: What calls for regions that there are not are counted under: they are refused later, and must not fill the memory.
_NOWHERE = ""


class Throttle:
    """Counts calls by account, region and operation."""

    def __init__(
        self, clock: Clock, limits: Mapping[tuple[str, str], int], regions: Collection[str], default_region: str
    ) -> None:
        """``limits`` are calls in 60 s by version and action; an operation that is not among them has no limit."""
        self._clock = clock
        self._limits = limits
        self._regions = frozenset(regions)
        self._default_region = default_region
        #: When the calls of the last 60 s were let through, oldest first.
        self._windows: dict[tuple[str, str, tuple[str, str]], deque[int]] = {}
        self._swept_at = clock.now()

    def __len__(self) -> int:
        """How many windows are kept."""
        return len(self._windows)

    def let_through(self, account_id: str, region_id: str | None, operation: tuple[str, str]) -> None:
        """Count a call of an operation (version, action). Raises Throttling.User, with the time to wait."""
        limit = self._limits.get(operation)
        if limit is None:
            return
        now = self._clock.now()
        if abs(now - self._swept_at) >= WINDOW:
            self._sweep(now)
        region = region_id or self._default_region
        if region not in self._regions:
            region = _NOWHERE
        window = self._windows.setdefault((account_id, region, operation), deque())
        _forget(window, now)
        if len(window) >= limit:
            wait = window[0] + WINDOW - now
            refused = THROTTLED.because(
                f"{operation[1]} is let through {limit} times in 60 seconds for an account and region; the next call "
                f"will be in {wait} ms."
            )
            refused.retry_after = wait
            raise refused
        window.append(now)

    def clear(self) -> None:
        """Forget all calls."""
        self._windows.clear()

    def _sweep(self, now: int) -> None:
        """Drop the windows that nothing is in any more."""
        self._swept_at = now
        for key, window in list(self._windows.items()):
            _forget(window, now)
            if not window:
                del self._windows[key]


def _forget(window: deque[int], now: int) -> None:
    while window and window[0] <= now - WINDOW:
        window.popleft()
    # A clock that was set back: what lies in its future would make callers wait for it.
    while window and window[-1] > now:
        window.pop()
