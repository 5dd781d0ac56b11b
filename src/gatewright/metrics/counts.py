"""What is counted as requests pass: plain dictionaries, because this runs for every one of them."""

from __future__ import annotations

from bisect import bisect_left

#: Upper bounds of the histogram's buckets, seconds: a read takes about a millisecond, a write waits for the disk.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Durations:
    """A histogram."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        #: How many lie in each bucket alone; the last one has no bound.
        self.buckets = [0] * (len(BOUNDS) + 1)
        #: Seconds, all together.
        self.total = 0.0

    def cumulative(self) -> list[tuple[str, float]]:
        """The buckets as Prometheus has them: each counts the ones before it too."""
        told, so_far = [], 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.buckets, strict=True):
            so_far += count
            told.append((bound, float(so_far)))
        return told


class RequestCounts:
    """Calls of the API by operation and code, and how long they took by operation. Used on one event loop."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], int] = {}
        self.durations: dict[str, Durations] = {}

    def answered(self, operation: str, code: str, seconds: float) -> None:
        """Count a call. The operation is one that is served, or the same word for all others: a label has a bound."""
        key = (operation, code)
        self.answers[key] = self.answers.get(key, 0) + 1
        durations = self.durations.get(operation)
        if durations is None:
            durations = self.durations[operation] = Durations()
        durations.buckets[bisect_left(BOUNDS, seconds)] += 1
        durations.total += seconds
