"""Who looks after which tunnel of this host: a keeper each, and what brings a charon back that has ended."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import Executor

from gatewright.plane.contract import Changed, PlaneError, Reveal, Told
from gatewright.plane.linux.bird_client import Session
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.tunnels import steering
from gatewright.plane.linux.tunnels.backend import Backend, Standing
from gatewright.plane.linux.tunnels.daemon import Daemon
from gatewright.plane.linux.tunnels.demand import Demand, tunnels_for
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

#: Do a blocking job for an item in a thread, when nothing else is done for it.
Exclusively = Callable[[ItemKey, Callable[[], Standing | None]], Awaitable[Standing | None]]


class Keepers:
    """All methods are called on the event loop."""

    def __init__(
        self,
        names: Names,
        folders: Folders,
        links: TunnelLinks,
        probes: Probes,
        workers: Executor,
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
        self._exclusively = exclusively
        self._changed = changed
        self._told = told
        self._reveal = reveal
        self._keepers: dict[tuple[str, int], Keeper] = {}
        #: Of each instance with a tunnel that waits for traffic.
        self._demands: dict[str, Demand] = {}
        self._tasks: set[asyncio.Task[None]] = set()

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

    async def take(self, backend: Backend, spec: InstanceSpec, standings: Mapping[int, Standing]) -> None:
        """Have charons do what a spec says; ``standings`` are of tunnels that are new or were touched.

        Returns when they know. Raises PlaneError.
        """
        await self._attend(backend, spec, standings)
        served = [self._keepers[spec.id, tunnel.number] for tunnel in backend.served(spec)]
        results = await asyncio.gather(*(keeper.in_force(_PATIENCE) for keeper in served), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def bgp_seen(self, instance_id: str, seen: Mapping[int, Session | None]) -> None:
        """What BIRD tells of the sessions inside an instance's tunnels, by their numbers; None if it is not there."""
        for number, session in seen.items():
            keeper = self._keepers.get((instance_id, number))
            if keeper is not None:
                keeper.bgp_seen(session)

    async def close(self) -> None:
        """Look after nothing any more. All carries on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for owner, number in tuple(self._keepers):
            await self._drop(owner, number)
        for instance_id in tuple(self._demands):
            self._stop_hearing(instance_id)
        self._probes.close()

    async def _attend(self, backend: Backend, spec: InstanceSpec, standings: Mapping[int, Standing]) -> None:
        """Look after an instance's tunnels from now on. Charons that could not be handed to a keeper are let go of."""
        left = dict(standings)
        try:
            await self._attend_served(backend, spec, left)
        finally:
            for standing in left.values():
                _let_go(standing)
        await self._hear_demand(spec)
        served = {tunnel.number for tunnel in backend.served(spec)}
        for tunnel in spec.tunnels:
            if tunnel.number not in served:
                self._told(_unserved(spec, tunnel))

    async def _attend_served(self, backend: Backend, spec: InstanceSpec, standings: dict[int, Standing]) -> None:
        """``standings`` are taken out as they are handed over."""
        served = {tunnel.number: tunnel for tunnel in backend.served(spec)}
        await self._probes.attend(spec)
        for number, tunnel in served.items():
            keeper = self._keepers.get((spec.id, number))
            if keeper is None:
                keeper = self._keepers[spec.id, number] = Keeper(
                    spec,
                    tunnel,
                    self._folders.of_tunnel(spec.id, number),
                    backend.connection,
                    functools.partial(Reliance, self._links, self._probes),
                    self._told,
                    self._reveal,
                )
            else:
                keeper.want(spec, tunnel)
            if number in standings:
                await self._stand(backend, keeper, standings.pop(number))

    async def _hear_demand(self, spec: InstanceSpec) -> None:
        """Be told of traffic that has no way, in the namespace as it is now."""
        self._stop_hearing(spec.id)
        if all(tunnel.initiate for tunnel in spec.tunnels):
            return
        loop, namespace = asyncio.get_running_loop(), self._names.namespace(spec.id)
        demand = self._demands[spec.id] = await loop.run_in_executor(self._workers, Demand, namespace)
        loop.add_reader(demand.fileno(), self._demanded, spec, demand)

    def _stop_hearing(self, instance_id: str) -> None:
        demand = self._demands.pop(instance_id, None)
        if demand is not None:
            asyncio.get_running_loop().remove_reader(demand.fileno())
            demand.close()

    def _demanded(self, spec: InstanceSpec, demand: Demand) -> None:
        for packet in dict.fromkeys(demand.take()):
            for number in tunnels_for(spec, packet):
                if (keeper := self._keepers.get((spec.id, number))) is not None:
                    keeper.demand()

    async def _stand(self, backend: Backend, keeper: Keeper, standing: Standing) -> None:
        """Have a keeper speak to the charon of its tunnel. The standing's process is closed in any case."""
        if keeper.daemon is not None and keeper.daemon.pid == standing.process.pid:
            _let_go(standing)
            keeper.touched()
            return
        if keeper.daemon is not None:
            try:
                await keeper.daemon.close()
            except BaseException:
                _let_go(standing)
                raise
        died = functools.partial(self._died, backend, keeper.instance.id, keeper.tunnel.number)
        keeper.mends.is_up(asyncio.get_running_loop().time())
        keeper.attend(Daemon(standing.socket, standing.process, connection_name(keeper.tunnel), keeper, died))

    async def _drop(self, instance_id: str, number: int) -> None:
        await self._keepers.pop((instance_id, number)).close()

    def _died(self, backend: Backend, instance_id: str, number: int, how: str) -> None:
        """The charon of a tunnel has ended by itself."""
        keeper = self._keepers.get((instance_id, number))
        if keeper is None:
            return
        _log.warning("charon of tunnel %s of %s: %s", keeper.tunnel.number, keeper.instance.id, how)
        keeper.mends.is_down(asyncio.get_running_loop().time())
        keeper.lost(f"its charon ended ({how}) and is started again")
        task = asyncio.ensure_future(self._mend(backend, keeper))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _mend(self, backend: Backend, keeper: Keeper) -> None:
        """Nothing else of the instance is touched."""
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(keeper.mends.left(clock()))
        keeper.mends.tried(clock())

        def job() -> Standing | None:
            # by now it may be unwanted
            return backend.ensure(keeper.instance, keeper.tunnel) if self._is_current(keeper) else None

        try:
            standing = await self._exclusively(keeper.instance.key, job)
        except PlaneError as error:
            keeper.lost(str(error))
            self._changed(keeper.instance.key, f"tunnel {keeper.tunnel.number}: {error}")
            return
        if standing is not None and self._is_current(keeper):
            await self._stand(backend, keeper, standing)
        elif standing is not None:
            _let_go(standing)

    def _is_current(self, keeper: Keeper) -> bool:
        return self._keepers.get((keeper.instance.id, keeper.tunnel.number)) is keeper


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
