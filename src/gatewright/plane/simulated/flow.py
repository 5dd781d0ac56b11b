"""Traffic that somebody says there is, for what shows it. Without a word from outside nothing flows."""

from __future__ import annotations

from collections.abc import Callable

from gatewright.resources.traffic import Count

#: Bytes of a packet, for counting them.
_PACKET = 1400


class Flow:
    """What goes through one instance: at a rate that is set, by a clock."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """``clock`` gives milliseconds."""
        self._clock = clock
        self._since = clock()
        self._received = self._sent = 0.0
        self._rates = (0, 0)

    def set(self, received: int, sent: int) -> None:
        """From now on so many bits a second."""
        self._elapse()
        self._rates = (received, sent)

    def count(self, instance_id: str) -> Count:
        """What there was until now."""
        self._elapse()
        received, sent = int(self._received), int(self._sent)
        return Count(instance_id, received, -(-received // _PACKET), sent, -(-sent // _PACKET))

    def _elapse(self) -> None:
        now = self._clock()
        # a clock that is set back counts nothing a second time
        seconds = max(0, now - self._since) / 1000
        self._received += seconds * self._rates[0] / 8
        self._sent += seconds * self._rates[1] / 8
        self._since = now
