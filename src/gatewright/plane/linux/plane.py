"""The linux plane as the agent sees it: blocking work in threads, events on the agent's loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from gatewright.plane.contract import Changed, PlaneError, Reveal, Told, unheard, unrevealed
from gatewright.plane.linux import counters, esp, inspection, instance_bird, survey
from gatewright.plane.linux.adopted_bridges import AdoptedBridges
from gatewright.plane.linux.bgp_watch import BgpWatch
from gatewright.plane.linux.confinement import daemon_user
from gatewright.plane.linux.failures import together
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.instance import Instances, Unfinished
from gatewright.plane.linux.lookout import Lookout
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.options import HostOptions
from gatewright.plane.linux.outside import Outside
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.router import Routers
from gatewright.plane.linux.tunnels import backends
from gatewright.plane.linux.tunnels.keepers import Keepers
from gatewright.plane.linux.tunnels.links import TunnelLinks
from gatewright.plane.linux.tunnels.probes import Probes
from gatewright.plane.linux.uplink import Uplink
from gatewright.plane.linux.vswitch import VSwitches
from gatewright.plane.linux.watch import Watch
from gatewright.resources.spec_check import refusal
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind, Spec, VSwitchSpec
from gatewright.resources.traffic import Count
from gatewright.resources.tunnels import SecretRef

Result = TypeVar("Result")

#: Items that are worked on at a time. The work is mostly waiting for the kernel and for daemons.
_WORKERS = 8
_LINK_WORKERS = 2
#: Tunnels of all instances that are made or removed at a time.
_HELPERS = 6


class LinuxPlane:
    """Builds items on this host with network namespaces, bridges and strongSwan.

    ``installation`` is an id of 8 base-36 characters: everything made here carries it, nothing of another
    installation is touched, and of the host's own only what ``options`` name. There may be one plane per installation
    and host at a time. Raises ValueError if an argument cannot be used.
    """

    def __init__(
        self, installation: str, runtime: Path = Path("/run/gatewright"), options: HostOptions | None = None
    ) -> None:
        self._options = options = options or HostOptions()
        self._names = Names(installation)
        self._adopted = AdoptedBridges(options.bridges)
        self._folders = Folders(installation, runtime)
        self._vswitches = VSwitches(self._names, self._folders, self._adopted, options.underlay)
        user = daemon_user(installation)
        self._routers = Routers(self._names, self._folders, self._vswitches, self._started, user)
        self._uplink = Uplink(self._names, Outside(self._names, self._folders, options.uplink))
        self._backend = functools.cache(functools.partial(backends.choose, self._names, self._folders, user))
        self._links = TunnelLinks(self._names)
        self._helpers = ThreadPoolExecutor(_HELPERS, thread_name_prefix="gatewright-tunnels")
        self._instances = Instances(
            self._names,
            self._folders,
            self._vswitches,
            self._uplink,
            self._started,
            user,
            self._backend,
            self._links,
            self._helpers,
        )
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="gatewright-plane")
        #: Not the same: whatever is made or removed, tunnels' links follow at once.
        self._link_workers = ThreadPoolExecutor(_LINK_WORKERS, thread_name_prefix="gatewright-links")
        #: By instance, the link that leads outside, in the host's namespace.
        self._counted: dict[str, str] = {}
        self._at_work: dict[ItemKey, asyncio.Future[Any]] = {}
        self._keepers: Keepers | None = None
        self._bgp: BgpWatch | None = None
        self._reveal: Reveal = unrevealed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: Watch | None = None
        self._lookout: Lookout | None = None

    async def open(self, changed: Changed, told: Told = unheard, reveal: Reveal = unrevealed) -> Mapping[ItemKey, int]:
        """See :class:`gatewright.plane.contract.Plane`. Raises PlaneError."""
        self._loop = loop = asyncio.get_running_loop()
        self._reveal = reveal
        probes = Probes(self._names, self._link_workers, self._options.health_interval)
        self._keepers = Keepers(
            self._names,
            self._folders,
            self._links,
            probes,
            self._link_workers,
            self._backend,
            self._exclusively,
            changed,
            told,
            reveal,
        )
        self._bgp = BgpWatch(self._folders, self._keepers.bgp_seen)
        self._watch = Watch(loop, changed)
        inspect = functools.partial(
            inspection.fault,
            self._names,
            self._folders,
            adopted=self._adopted,
            uplink=self._uplink,
            underlay=self._options.underlay,
            tunnels=self._backend,
        )
        busy = self._at_work.__contains__
        self._lookout = Lookout(self._names, self._options, inspect, changed, busy, self._keepers.mending)
        self._lookout.open()
        generations = {}
        looked = await loop.run_in_executor(self._workers, self._look)
        for key, (spec, generation, daemons) in looked.items():
            generations[key] = generation
            for name, process in daemons.items():
                self._watch.add(key, name, process)
            if spec is not None and generation:
                self._lookout.add(spec)
                self._count(spec)
        return generations

    async def apply(self, spec: Spec) -> None:
        """See :class:`gatewright.plane.contract.Plane`. Raises PlaneError."""
        if (why := refusal(spec)) is not None:
            raise PlaneError(f"{why}; nothing was done on this host")
        if isinstance(spec, InstanceSpec):
            await self._apply_instance(spec)
        elif isinstance(spec, VSwitchSpec):
            await self._work(spec.key, functools.partial(self._vswitches.apply, spec), spec)
        else:
            await self._work(spec.key, functools.partial(self._routers.apply, spec), spec)

    async def _apply_instance(self, spec: InstanceSpec) -> None:
        keepers = self._looked_after()
        async with keepers.applying(spec.id):
            wrong = await self._make_instance(keepers, spec)
        try:
            wrong += await keepers.in_force(spec)
        finally:
            # also when a charon has not taken what is wanted: its tunnel is looked after all the same
            if self._bgp is not None:
                await self._bgp.attend(spec)
        if wrong:
            raise PlaneError(together(wrong))

    async def _make_instance(self, keepers: Keepers, spec: InstanceSpec) -> list[str]:
        """Have an instance, and its tunnels looked after. Gives what goes wrong that the rest need not wait for."""
        backend = await asyncio.get_running_loop().run_in_executor(self._workers, self._backend) if spec.ipsec else None
        await keepers.forget(spec.id, backend.served(spec) if backend else ())
        settled = keepers.settled(spec)
        await keepers.ahead(spec, settled)
        references = instance_bird.secrets(spec)
        keys: Mapping[SecretRef, str] = {}
        unmade: Mapping[int, str] = {}
        wrong: list[str] = []
        try:
            keys = await self._reveal(references) if references else {}
        except PlaneError as error:
            wrong.append(str(error))
        try:
            standings = await self._work(spec.key, functools.partial(self._instances.apply, spec, settled, keys), spec)
        except Unfinished as error:
            standings, unmade = error.standings, error.unmade
            wrong += error.reasons
        if spec.ipsec and spec.tunnels:
            wrong += await keepers.attend(spec, standings, unmade)
        return wrong

    async def remove(self, key: ItemKey) -> None:
        """See :class:`gatewright.plane.contract.Plane`. Raises PlaneError."""
        if key.kind is Kind.INSTANCE:
            await self._looked_after().forget(key.id)
            if self._bgp is not None:
                await self._bgp.forget(key.id)
        items: dict[Kind, Instances | Routers | VSwitches] = {
            Kind.INSTANCE: self._instances,
            Kind.ROUTER: self._routers,
            Kind.VSWITCH: self._vswitches,
        }
        self._counted.pop(key.id, None)
        await self._work(key, functools.partial(items[key.kind].remove, key.id))

    async def traffic(self) -> list[Count]:
        """See :class:`gatewright.plane.contract.Plane`. Raises PlaneError."""
        if not self._counted:
            return []
        return await asyncio.get_running_loop().run_in_executor(self._workers, counters.read, dict(self._counted))

    async def close(self) -> None:
        """See :class:`gatewright.plane.contract.Plane`."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._bgp is not None:
            bgp, self._bgp = self._bgp, None
            await bgp.close()
        if self._keepers is not None:
            keepers, self._keepers = self._keepers, None
            await keepers.close()
        if self._lookout is not None:
            lookout, self._lookout = self._lookout, None
            await lookout.close()
        await asyncio.to_thread(self._workers.shutdown)
        await asyncio.to_thread(self._helpers.shutdown)
        await asyncio.to_thread(self._link_workers.shutdown)

    def _opened(self) -> Watch:
        if self._watch is None:
            raise RuntimeError("the plane is not open")
        return self._watch

    def _looked_after(self) -> Keepers:
        if self._keepers is None:
            raise RuntimeError("the plane is not open")
        return self._keepers

    def _look(self) -> dict[ItemKey, tuple[Spec | None, int, dict[str, Process]]]:
        with contextlib.suppress(PlaneError):  # whoever applies an instance is told
            esp.backend()
        seen = survey.take(self._names, self._folders, self._adopted, self._options.underlay)
        found = {}
        for key in survey.items(seen, self._names, self._folders):
            folder = self._folders.of(key)
            spec = folder.applied()
            generation, daemons = survey.adopt(seen, self._names, folder, self._folders.own())
            if isinstance(spec, InstanceSpec) and generation and not self._instances.has_tunnels(spec):
                generation = 0
            found[key] = spec, generation, daemons
        return found

    async def _work(self, key: ItemKey, job: Callable[[], Result], spec: Spec | None = None) -> Result:
        """Do a job for an item in a thread; what it then stands at, if at anything, is watched.

        A thread cannot be cancelled: if the caller is, the job goes on, and the item's next one waits for it.
        """
        await self._free(key)
        self._opened().drop(key)
        if self._lookout is not None:
            if spec is None:
                self._lookout.drop(key)
            else:
                self._lookout.pause(spec)
        return await self._in_thread(key, job, lambda done: self._worked(key, done, spec))

    async def _exclusively(self, key: ItemKey, job: Callable[[], Result]) -> Result:
        """Mend something of an item that stands, while nothing else is done to it."""
        await self._free(key)
        return await self._in_thread(key, job, lambda _: self._at_work.pop(key))

    async def _free(self, key: ItemKey) -> None:
        while (before := self._at_work.get(key)) is not None:
            await asyncio.wait([before])

    async def _in_thread(
        self, key: ItemKey, job: Callable[[], Result], done: Callable[[asyncio.Future[Result]], object]
    ) -> Result:
        future = asyncio.get_running_loop().run_in_executor(self._workers, contextvars.copy_context().run, job)
        self._at_work[key] = future
        future.add_done_callback(done)
        try:
            return await asyncio.shield(future)
        except PlaneError:
            raise
        except Exception as error:
            raise PlaneError(f"{key}: {type(error).__name__}: {error}; this is a bug, please report it") from error

    def _worked(self, key: ItemKey, done: asyncio.Future[Result], spec: Spec | None) -> None:
        del self._at_work[key]
        # asked for its exception here: whoever was to get it may have been cancelled
        failed = done.cancelled() or done.exception() is not None
        if spec is None or self._lookout is None:
            return
        if failed:
            self._lookout.drop(key)
        else:
            self._lookout.add(spec)
            self._count(spec)

    def _count(self, spec: Spec) -> None:
        if isinstance(spec, InstanceSpec):
            leg = self._names.lan(spec.id) if spec.public is None else self._names.wan(spec.id)
            self._counted[spec.id] = leg.name

    def _started(self, key: ItemKey, name: str, process: Process) -> None:
        """Called in a worker's thread."""
        if self._loop is None:
            raise RuntimeError("the plane is not open")
        self._loop.call_soon_threadsafe(self._keep, key, name, process)

    def _keep(self, key: ItemKey, name: str, process: Process) -> None:
        if self._watch is not None:
            self._watch.add(key, name, process)
        else:
            process.close()
