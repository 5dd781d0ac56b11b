"""Who looks after which tunnel of this host: a keeper each, and what brings a charon back that has ended."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

from gatewright.plane.contract import Changed, PlaneError, Reveal, Told
from gatewright.plane.linux import netns
from gatewright.plane.linux.bird_client import Session
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.netns import Identity
from gatewright.plane.linux.tunnels import steering
from gatewright.plane.linux.tunnels.backend import Backend, Standing
from gatewright.plane.linux.tunnels.daemon import Daemon
from gatewright.plane.linux.tunnels.demand import Demand, Ways
from gatewright.plane.linux.tunnels.keeper import Keeper
from gatewright.plane.linux.tunnels.links import LinkState, TunnelLinks
from gatewright.plane.linux.tunnels.probes import Probes
from gatewright.plane.linux.tunnels.reliance import Reliance
from gatewright.plane.linux.vici_conn import connection_name
from gatewright.resources.specs import InstanceSpec, ItemKey
from gatewright.resources.troubles import Cause, sentence
from gatewright.resources.tunnel_states import Trouble, TunnelState, TunnelStatus
from gatewright.resources.tunnels import TunnelSpec

_log = logging.getLogger(__name__)

#: How long charons may take to be told of tunnels, seconds.
_PATIENCE = 20.0
#: For how long, at most, the rest of an instance waits for charons that are told something ahead of it, seconds.
_AHEAD = 0.1

#: Do a blocking job for an item in a thread, when nothing else is done for it.
Exclusively = Callable[[ItemKey, Callable[[], Standing | None]], Awaitable[Standing | None]]


@dataclass
class _Heard:
    """Where traffic for an instance's tunnels that wait for some is told of."""

    demand: Demand
    namespace: Identity | None
    ways: Ways


class Keepers:
    """All methods are called on the event loop."""

    def __init__(
        self,
        names: Names,
        folders: Folders,
        links: TunnelLinks,
        probes: Probes,
        workers: Executor,
        backend: Callable[[], Backend],
        exclusively: Exclusively,
        changed: Changed,
        told: Told,
        reveal: Reveal,
    ) -> None:
        self._names = names
        self._folders = folders
        self._links = _Links(links, workers)
        self._probes = probes
        self._workers = workers
        self._backend = backend
        self._exclusively = exclusively
        self._changed = changed
        self._told = told
        self._reveal = reveal
        self._keepers: dict[tuple[str, int], Keeper] = {}
        #: Of each instance with a tunnel that waits for traffic.
        self._demands: dict[str, _Heard] = {}
        #: What brings charons back, by whose they are.
        self._mending: dict[Keeper, asyncio.Task[None]] = {}
        #: Of each instance: whoever makes its tunnels, and has keepers attend what was made, does so alone.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        #: Instances that are being applied.
        self._applied: set[str] = set()

    @contextlib.asynccontextmanager
    async def applying(self, instance_id: str) -> AsyncIterator[None]:
        """Within the context an instance is applied, and nothing else makes anything of its tunnels.

        That a charon ends is the doing of who applies it then; one that is not there afterwards is brought back.
        """
        async with self._turns[instance_id]:
            self._applied.add(instance_id)
            try:
                yield
            finally:
                self._applied.discard(instance_id)
                for keeper in self._of(instance_id):
                    if keeper.daemon is not None and keeper.daemon.ended:
                        self._bring_back(keeper, keeper.daemon)

    def mending(self, key: ItemKey) -> frozenset[int]:
        """The numbers of an instance's tunnels whose charons have ended and are not back: they are seen to."""
        return frozenset(
            keeper.tunnel.number for keeper in self._mending if keeper.instance.key == key and self._is_current(keeper)
        )

    def settled(self, spec: InstanceSpec) -> frozenset[int]:
        """The tunnels for which nothing but charon's configuration can be different, by their numbers.

        None of them if the same is to be applied again: then there is something to be mended.
        """
        found = set()
        for tunnel in spec.tunnels:
            keeper = self._keepers.get((spec.id, tunnel.number))
            if keeper is None or keeper.instance.generation == spec.generation:
                continue
            if steering.address(keeper.instance) != steering.address(spec):
                # its charon is to have the new one
                continue
            if keeper.daemon is not None and keeper.daemon.lives:
                before = keeper.tunnel
                if (before.id, before.local_subnets, before.bgp) == (tunnel.id, tunnel.local_subnets, tunnel.bgp):
                    found.add(tunnel.number)
        return frozenset(found)

    async def forget(self, instance_id: str, kept: Collection[TunnelSpec] = ()) -> None:
        """Look no longer after an instance's tunnels but these; the others are to go."""
        keep = {(tunnel.number, tunnel.id) for tunnel in kept}
        for (owner, number), keeper in tuple(self._keepers.items()):
            if owner == instance_id and (number, keeper.tunnel.id) not in keep:
                await self._drop(owner, number)
        if not kept:
            self._stop_hearing(instance_id)
            self._probes.forget(instance_id)

    async def ahead(self, spec: InstanceSpec, settled: Collection[int]) -> None:
        """Have charons take what needs nothing of the host, as cipher or key, before all else of the spec is looked at.

        ``settled`` are those of :meth:`settled`. What charons have not taken soon, :meth:`in_force` waits for.
        """
        changed = []
        for tunnel in spec.tunnels:
            keeper = self._keepers.get((spec.id, tunnel.number)) if tunnel.number in settled else None
            if keeper is not None and keeper.tunnel != tunnel and _same_way(keeper.tunnel, tunnel):
                keeper.want(spec, tunnel)
                changed.append(asyncio.ensure_future(keeper.in_force(_PATIENCE)))
        if changed:
            await asyncio.wait(changed, timeout=_AHEAD)
            for one in changed:
                one.cancel()
            await asyncio.gather(*changed, return_exceptions=True)

    async def attend(
        self, spec: InstanceSpec, standings: Mapping[int, Standing], unmade: Mapping[int, str]
    ) -> list[str]:
        """Look after an instance's tunnels from now on; what charons are told is seen to in :meth:`in_force`.

        ``standings`` are of tunnels that are new or were touched, and closed in any case; why others could not be made
        says ``unmade``. Gives what goes wrong besides.
        """
        served = {tunnel.number: tunnel for tunnel in self._backend().served(spec)}
        left = dict(standings)
        try:
            for number, tunnel in served.items():
                keeper = self._wanting(spec, tunnel)
                if number in left:
                    await self._stand(keeper, left.pop(number))
                    # it waits, maybe long: nobody else makes anything now
                    if (mending := self._mending.pop(keeper, None)) is not None:
                        mending.cancel()
                elif number in unmade:
                    await self._do_without(keeper, unmade[number])
        finally:
            for standing in left.values():
                _let_go(standing)
        for tunnel in spec.tunnels:
            if tunnel.number not in served:
                self._told(_unserved(spec, tunnel))
        wrong = []
        for what in (self._probes.attend, self._hear_demand):
            try:
                await what(spec)
            except PlaneError as error:
                wrong.append(str(error))
        return wrong

    async def in_force(self, spec: InstanceSpec) -> list[str]:
        """Have charons do what a spec says. Returns when they know, with why others do not."""
        keepers = [keeper for keeper in self._of(spec.id) if keeper.daemon is not None]
        results = await asyncio.gather(*(keeper.in_force(_PATIENCE) for keeper in keepers), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, PlaneError):
                raise result
        return [str(result) for result in results if result is not None]

    def bgp_seen(self, instance_id: str, seen: Mapping[int, Session | None]) -> None:
        """What BIRD tells of the sessions inside an instance's tunnels, by their numbers; None if it is not there."""
        for number, session in seen.items():
            keeper = self._keepers.get((instance_id, number))
            if keeper is not None:
                keeper.bgp_seen(session)

    async def close(self) -> None:
        """Look after nothing any more. All carries on."""
        mending = tuple(self._mending.values())
        for task in mending:
            task.cancel()
        await asyncio.gather(*mending, return_exceptions=True)
        for owner, number in tuple(self._keepers):
            await self._drop(owner, number)
        for instance_id in tuple(self._demands):
            self._stop_hearing(instance_id)
        self._probes.close()

    def _of(self, instance_id: str) -> list[Keeper]:
        return [keeper for (owner, _), keeper in self._keepers.items() if owner == instance_id]

    def _wanting(self, spec: InstanceSpec, tunnel: TunnelSpec) -> Keeper:
        """The keeper of a tunnel that is to be like this."""
        keeper = self._keepers.get((spec.id, tunnel.number))
        if keeper is None:
            keeper = self._keepers[spec.id, tunnel.number] = Keeper(
                spec,
                tunnel,
                self._folders.of_tunnel(spec.id, tunnel.number),
                self._backend().connection,
                functools.partial(Reliance, self._links, self._probes),
                self._told,
                self._reveal,
            )
        else:
            keeper.want(spec, tunnel)
        return keeper

    async def _hear_demand(self, spec: InstanceSpec) -> None:
        """Be told of traffic that has no way, in the namespace as it is now."""
        if all(tunnel.initiate for tunnel in spec.tunnels):
            self._stop_hearing(spec.id)
            return
        name = self._names.namespace(spec.id)
        namespace, heard = netns.identity(name), self._demands.get(spec.id)
        if heard is not None and heard.namespace == namespace:
            heard.ways = Ways(spec)
            return
        self._stop_hearing(spec.id)
        loop = asyncio.get_running_loop()
        demand = await loop.run_in_executor(self._workers, Demand, name)
        heard = self._demands[spec.id] = _Heard(demand, namespace, Ways(spec))
        loop.add_reader(demand.fileno(), self._demanded, spec.id, heard)

    def _stop_hearing(self, instance_id: str) -> None:
        heard = self._demands.pop(instance_id, None)
        if heard is not None:
            asyncio.get_running_loop().remove_reader(heard.demand.fileno())
            heard.demand.close()

    def _demanded(self, instance_id: str, heard: _Heard) -> None:
        for packet in dict.fromkeys(heard.demand.take()):
            for number in heard.ways.tunnels_for(packet):
                if (keeper := self._keepers.get((instance_id, number))) is not None:
                    keeper.demand()

    async def _stand(self, keeper: Keeper, standing: Standing) -> None:
        """Have a keeper speak to the charon of its tunnel. The standing's process is closed in any case."""
        with contextlib.ExitStack() as left:
            left.callback(_let_go, standing)
            before = keeper.daemon
            if before is not None and not before.ended and before.pid == standing.process.pid:
                keeper.touched()
                return
            if before is not None:
                await before.close()
            if not self._is_current(keeper):
                return
            died = functools.partial(self._died, keeper)
            daemon = Daemon(standing.socket, standing.process, connection_name(keeper.tunnel), keeper, died)
            left.pop_all()
            keeper.mends.is_up(asyncio.get_running_loop().time())
            keeper.attend(daemon)

    async def _do_without(self, keeper: Keeper, why: str) -> None:
        """A tunnel could not be made as it is wanted; if it has a charon, that goes on."""
        daemon = keeper.daemon
        if daemon is not None and daemon.ended:
            keeper.daemon = None
            await daemon.close()
        if keeper.daemon is None and self._is_current(keeper):
            keeper.lost(why)

    async def _drop(self, instance_id: str, number: int) -> None:
        await self._keepers.pop((instance_id, number)).close()

    def _died(self, keeper: Keeper, _how: str) -> None:
        """The charon of a tunnel has ended."""
        # whoever is at work on the instance may have ended it
        if keeper.daemon is not None and keeper.instance.id not in self._applied:
            self._bring_back(keeper, keeper.daemon)

    def _bring_back(self, keeper: Keeper, ended: Daemon) -> None:
        """Have a charon again in place of one that has ended by itself."""
        if keeper in self._mending or not self._is_current(keeper):
            return
        _log.warning("charon of tunnel %s of %s: %s", keeper.tunnel.number, keeper.instance.id, ended.ended)
        clock = asyncio.get_running_loop().time()
        keeper.mends.is_down(clock)
        # what waits longer must not be relied on: nobody answers its peer
        soon = keeper.mends.left(clock) == 0
        keeper.lost(f"its charon ended ({ended.ended}) and is started again", may_carry=ended.killed and soon)
        task = self._mending[keeper] = asyncio.ensure_future(self._mend(keeper))
        task.add_done_callback(functools.partial(self._mended, keeper))

    def _mended(self, keeper: Keeper, task: asyncio.Task[None]) -> None:
        if self._mending.get(keeper) is task:
            del self._mending[keeper]

    async def _mend(self, keeper: Keeper) -> None:
        """Nothing else of the instance is touched."""
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(keeper.mends.left(clock()))
        async with self._turns[keeper.instance.id]:
            if keeper.daemon is None or not keeper.daemon.ended:
                # whoever has applied the instance meanwhile has seen to it
                return
            keeper.mends.tried(clock())

            def job() -> Standing | None:
                # by now it may be unwanted
                return self._backend().ensure(keeper.instance, keeper.tunnel) if self._is_current(keeper) else None

            try:
                standing = await self._exclusively(keeper.instance.key, job)
            except PlaneError as error:
                if self._is_current(keeper):
                    keeper.lost(str(error))
                    self._changed(keeper.instance.key, f"tunnel {keeper.tunnel.number}: {error}")
                return
            if standing is not None:
                await self._stand(keeper, standing)

    def _is_current(self, keeper: Keeper) -> bool:
        return self._keepers.get((keeper.instance.id, keeper.tunnel.number)) is keeper


def _same_way(before: TunnelSpec, now: TunnelSpec) -> bool:
    """Whether packets of a tunnel, inside and outside, pass the same addresses, rules and routes. Pure."""
    ways = [(one.peer, one.local_subnets, one.remote_subnets, one.bgp, one.health) for one in (before, now)]
    return ways[0] == ways[1]


def _let_go(standing: Standing) -> None:
    """The charon carries on."""
    standing.process.close()


class _Links:
    """Links of tunnels, off the event loop."""

    def __init__(self, links: TunnelLinks, workers: Executor) -> None:
        self._links = links
        self._workers = workers

    async def set(self, spec: InstanceSpec, tunnel: TunnelSpec, wanted: LinkState) -> bool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, self._links.set, spec, tunnel, wanted)

    async def look(self, spec: InstanceSpec, tunnel: TunnelSpec) -> LinkState | None:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, self._links.look, spec, tunnel)


def _unserved(spec: InstanceSpec, tunnel: TunnelSpec) -> TunnelState:
    """Of a tunnel that this host cannot carry beside another of the same instance."""
    at = time.time_ns() // 1_000_000
    trouble = Trouble(cause=Cause.SAME_PEER, at=at, about=tunnel.peer)
    return TunnelState(
        id=tunnel.id,
        instance_id=spec.id,
        status=TunnelStatus.IKE_SA_NOT_ESTABLISHED,
        detail=sentence(trouble),
        at=at,
        troubles=(trouble,),
    )
