"""A plane in memory. Nothing takes time and nothing fails until somebody steers it so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from gatewright.plane.contract import Changed, PlaneError, Reveal, Told, unheard, unrevealed
from gatewright.plane.simulated.flow import Flow
from gatewright.plane.simulated.peers import Peers
from gatewright.plane.simulated.timing import AtOnce, Change, Timing
from gatewright.plane.simulated.tunnels import RememberedTunnel, Tunnels
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind, Spec, needs
from gatewright.resources.traffic import Count

#: Why the tunnels of an instance that is killed do not carry.
_DOWN = "its instance is down"


class Work(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change under way."""

    change: Change
    #: The generation that it leads to; 0 for a removal.
    generation: int
    #: When it is done, milliseconds of the timing's clock.
    ends: int


class Remembered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item as a plane has it: enough for another plane to go on from."""

    kind: Kind
    id: str
    #: What stands; None while nothing does.
    generation: int | None
    killed: bool
    work: Work | None
    #: Of an instance, in the order of their ids.
    tunnels: list[RememberedTunnel] = []


class SimulatedPlane:
    """Remembers what was applied.

    A change that was broken off goes on where it was when it is asked for again.
    """

    def __init__(
        self, timing: Timing | None = None, memory: Iterable[Remembered] = (), peers: Peers | None = None
    ) -> None:
        self._timing = timing or AtOnce()
        self._changed: Changed | None = None
        #: The tunnels of all instances.
        self.tunnels = Tunnels(self._timing, peers or Peers())
        self.items: dict[ItemKey, Spec] = {}
        #: What stands from before and nobody has applied again, by its generation.
        self._earlier: dict[ItemKey, int] = {}
        self._killed: set[ItemKey] = set()
        self._work: dict[ItemKey, Work] = {}
        self._flows: dict[ItemKey, Flow] = {}
        for item in memory:
            key = ItemKey(item.kind, item.id)
            if item.generation is not None:
                self._earlier[key] = item.generation
            if item.killed:
                self._killed.add(key)
            if item.work is not None:
                self._work[key] = item.work
            self.tunnels.remember(item.id, item.tunnels)

    async def open(self, changed: Changed, told: Told = unheard, reveal: Reveal = unrevealed) -> Mapping[ItemKey, int]:
        self._changed = changed
        self.tunnels.open(told, reveal)
        found = self._earlier | {key: spec.generation for key, spec in self.items.items()}
        return found | dict.fromkeys(self._killed & found.keys(), 0)

    async def apply(self, spec: Spec) -> None:
        key = spec.key
        for vswitch in needs(spec):
            if self._generation(vswitch) is None:
                raise PlaneError(f"{vswitch} is not on this host")
        self._check_alive(key)
        stands = self._generation(key)
        if stands != spec.generation:
            change = Change.PROVISIONING if stands is None else Change.UPDATING
            await self._pass_time(key, change, spec.generation)
        self.items[key] = spec
        self._earlier.pop(key, None)
        # It may have been killed meanwhile: then it is built, and down.
        self._check_alive(key)
        if isinstance(spec, InstanceSpec):
            try:
                await self.tunnels.apply(spec)
            finally:
                if key in self._killed or self.items.get(key) is not spec:
                    self.tunnels.break_all(key.id, _DOWN)
            self._check_alive(key)

    async def remove(self, key: ItemKey) -> None:
        if self._generation(key) is not None:
            await self._pass_time(key, Change.DELETING, 0)
        self.items.pop(key, None)
        self._earlier.pop(key, None)
        self._work.pop(key, None)
        self._killed.discard(key)
        self._flows.pop(key, None)
        if key.kind is Kind.INSTANCE:
            self.tunnels.drop(key.id)

    async def traffic(self) -> list[Count]:
        return [flow.count(key.id) for key, flow in self._flows.items()]

    async def close(self) -> None:
        self._changed = None
        self.tunnels.close()

    def lose(self, key: ItemKey, reason: str) -> None:
        """Let an item break, as a daemon's death would; it is made again. KeyError: it is not there."""
        del self.items[key]
        self.tunnels.break_all(key.id, reason)
        self._tell(key, reason)

    def kill(self, key: ItemKey) -> None:
        """Let an item be down, and stay down whatever is done about it."""
        if key not in self._killed:
            self._killed.add(key)
            if key in self._flows:
                self._flows[key].set(0, 0)
            self.tunnels.break_all(key.id, _DOWN)
            self._tell(key, "killed")

    def recover(self, key: ItemKey) -> None:
        """End what ``kill`` began: what stood before is up again at once."""
        if key in self._killed:
            self._killed.discard(key)
            self._tell(key, "recovered")

    def carry(self, key: ItemKey, received: int, sent: int, clock: Callable[[], int]) -> None:
        """Let this go through an instance from now on, bits a second by a clock, until it is killed or removed."""
        if self._generation(key) is not None and key not in self._killed:
            self._flows.setdefault(key, Flow(clock)).set(received, sent)

    def state(self, key: ItemKey) -> str:
        """``up``, ``killed``, the change that is under way, or ``waiting`` for one to begin."""
        work = self._work.get(key)
        if key in self._killed and (work is None or work.change is not Change.DELETING):
            return "killed"
        if work is not None:
            return work.change.value
        return "waiting" if self._generation(key) is None else "up"

    def timed(self, key: ItemKey) -> bool:
        """Whether only time has to pass for what is being done with an item."""
        work = self._work.get(key)
        return work is not None and not self._timing.passed(work.ends)

    def memory(self) -> list[Remembered]:
        """All items, for another plane to go on from."""
        keys = {*self.items, *self._earlier, *self._killed, *self._work}
        return [
            Remembered(
                key.kind,
                key.id,
                self._generation(key),
                key in self._killed,
                self._work.get(key),
                self.tunnels.memory(key.id) if key.kind is Kind.INSTANCE else [],
            )
            for key in sorted(keys)
        ]

    def _generation(self, key: ItemKey) -> int | None:
        """What stands of an item."""
        spec = self.items.get(key)
        return self._earlier.get(key) if spec is None else spec.generation

    def _check_alive(self, key: ItemKey) -> None:
        if key in self._killed:
            raise PlaneError("it was killed, and stays down until it is recovered")

    async def _pass_time(self, key: ItemKey, change: Change, generation: int) -> None:
        """Let the time of an instance's change pass, or of a vSwitch's; the rest of it, when it was begun earlier."""
        if key.kind is Kind.ROUTER:
            return
        if key.kind is Kind.VSWITCH:
            change = Change.VSWITCH
        work = self._work.get(key)
        if work is None or (work.change, work.generation) != (change, generation):
            work = self._work[key] = Work(change, generation, self._timing.end_of(change))
        await self._timing.until(work.ends)
        self._work.pop(key, None)

    def _tell(self, key: ItemKey, reason: str) -> None:
        if self._changed is not None:
            self._changed(key, reason)
