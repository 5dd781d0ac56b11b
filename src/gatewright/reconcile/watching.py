"""What the control plane has heard of hosts, kept in memory for whoever watches the service."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from gatewright.clock import SystemClock
from gatewright.resources.specs import Kind, Observation, Phase

#: Revisions that come within this time of each other share a note, seconds.
_APART = 1.0
#: Notes of when a host had which revision, before they are thinned out.
_MOST_NOTES = 256


class HostWatch:
    """Used on the control plane's event loop."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        #: When each host's agent was heard of last, milliseconds since the epoch.
        self.seen: dict[str, int] = {}
        #: How often an agent said that an item could not be brought about, by host and kind.
        self.failures: Counter[tuple[str, Kind]] = Counter()
        #: Revisions of each host and when they were first met, by a clock that only goes forward, seconds.
        self._notes: dict[str, list[tuple[int, float]]] = {}

    def polled(self, host_id: str, revision: int) -> None:
        """A host's agent asks, and the host is at this revision."""
        self.seen[host_id] = self._clock.now()
        self._note(host_id, revision)

    def reported(self, host_id: str, observations: Sequence[Observation]) -> None:
        """A host's agent tells what it saw."""
        self.seen[host_id] = self._clock.now()
        for each in observations:
            if each.phase is Phase.FAILED:
                self.failures[host_id, each.kind] += 1

    def lag(self, host_id: str, oldest: int | None, revision: int) -> float:
        """For how long, seconds, the oldest revision that is not brought about has been wanted; None: all are.

        Time runs from when the host's agent, or somebody here, first asked about the host at that revision or a later
        one; after a restart it begins anew.
        """
        self._note(host_id, revision)
        notes = self._notes[host_id]
        if oldest is None:
            del notes[:-1]
            return 0.0
        while len(notes) > 1 and notes[0][0] < oldest:
            del notes[0]
        return max(0.0, time.monotonic() - notes[0][1])

    def _note(self, host_id: str, revision: int) -> None:
        notes = self._notes.setdefault(host_id, [])
        if notes and notes[-1][0] == revision:
            return
        now = time.monotonic()
        if notes and now - notes[-1][1] < _APART:
            notes[-1] = (revision, notes[-1][1])
            return
        notes.append((revision, now))
        if len(notes) > _MOST_NOTES:
            # the first one, which whoever asks regularly has the lag from, stays
            del notes[1:-1:2]
