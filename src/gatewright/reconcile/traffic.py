"""How much goes through the instances of all hosts, as their agents tell it. In memory: a
restart begins with what hosts have counted of the instances as they stand.

An instance that nothing has gone through takes no room here. One object serves a whole control plane, on its loop's
thread and those of the store's readers.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from gatewright.resources.traffic import Count

#: How often agents tell what has changed, seconds: usually, and while somebody looks.
USUAL, WATCHED = 5.0, 1.0
#: Somebody looks for so long after having asked, seconds.
_LOOKING = 15.0


class Total(msgspec.Struct, frozen=True):
    """What went through an instance since this process has heard of it first."""

    count: Count
    #: When it was counted, milliseconds since the epoch by the service's clock.
    at: int


class _Entry(NamedTuple):
    host_id: str
    #: As its host told it last.
    told: Count
    total: Total


class Traffic:
    """Totals by instance, through rebuilds and moves of it."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._looked = -_LOOKING

    def unknown(self, host_id: str, counts: Iterable[Count]) -> list[str]:
        """The instances among these that this host has told nothing of yet."""
        return [each.id for each in counts if (found := self._entries.get(each.id)) is None or found.host_id != host_id]

    def note(self, host_id: str, counts: Iterable[Count], now: int) -> None:
        """A host's agent has told this."""
        for count in counts:
            found = self._entries.get(count.id)
            if found is None:
                more = total = count
            else:
                more = count.since(found.told) if found.host_id == host_id else count
                total = found.total.count.plus(more)
            self._entries[count.id] = _Entry(host_id, count, Total(total, now))

    def forget(self, instance_id: str, host_id: str) -> None:
        """The host has nothing of the instance any more."""
        found = self._entries.get(instance_id)
        if found is not None and found.host_id == host_id:
            del self._entries[instance_id]

    def of(self, instance_id: str) -> Total | None:
        """What went through an instance; None if nothing did."""
        found = self._entries.get(instance_id)
        return None if found is None else found.total

    def totals(self) -> Mapping[str, Total]:
        """The same of all instances that something went through."""
        return {instance_id: entry.total for instance_id, entry in list(self._entries.items())}

    def look(self) -> None:
        """Somebody wants to see it as it happens, for a while."""
        self._looked = time.monotonic()

    @property
    def every(self) -> float:
        """How many seconds from now agents are to tell again."""
        return WATCHED if time.monotonic() - self._looked < _LOOKING else USUAL
