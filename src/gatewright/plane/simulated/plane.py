"""A plane in memory. Nothing takes time and nothing fails until somebody steers it so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gatewright.plane.contract import Changed, PlaneError
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind, Spec

#: Runs before an item is applied or removed: where a test makes that take time or fail.
Before = Callable[[ItemKey], Awaitable[None]]


class SimulatedPlane:
    """Remembers what was applied."""

    def __init__(self, before: Before | None = None) -> None:
        self._before = before
        self._changed: Changed | None = None
        self.items: dict[ItemKey, Spec] = {}

    async def open(self, changed: Changed) -> Mapping[ItemKey, int]:
        self._changed = changed
        return {key: spec.generation for key, spec in self.items.items()}

    async def apply(self, spec: Spec) -> None:
        if self._before is not None:
            await self._before(spec.key)
        if isinstance(spec, InstanceSpec):
            vswitch = ItemKey(Kind.VSWITCH, spec.private.vswitch_id)
            if vswitch not in self.items:
                raise PlaneError(f"{vswitch} is not on this host")
        self.items[spec.key] = spec

    async def remove(self, key: ItemKey) -> None:
        if self._before is not None:
            await self._before(key)
        self.items.pop(key, None)

    async def close(self) -> None:
        self._changed = None

    def lose(self, key: ItemKey, reason: str) -> None:
        """Let an item break, as a daemon's death would. KeyError: it is not there."""
        del self.items[key]
        if self._changed is not None:
            self._changed(key, reason)
