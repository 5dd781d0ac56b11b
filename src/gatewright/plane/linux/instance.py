"""An instance on this host: its namespace, its legs, its BIRD, its tunnels, put together and taken apart."""

from __future__ import annotations

import contextvars
import functools
import ipaddress
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from contextlib import ExitStack
from typing import TypeVar

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import filters, instance_bird, instance_routes, netns, shaping, strays, sysctl
from gatewright.plane.linux.bird import Bird
from gatewright.plane.linux.bridges import await_vanished, remove_marked
from gatewright.plane.linux.failures import step, together
from gatewright.plane.linux.folders import Folder, Folders
from gatewright.plane.linux.guards import Guards
from gatewright.plane.linux.legs import Legs
from gatewright.plane.linux.names import LAN, WAN, Names, check_id
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.routing import RoutingRtnl
from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.plane.linux.tunnels.backend import Backend, Standing
from gatewright.plane.linux.tunnels.links import TunnelLinks
from gatewright.plane.linux.uplink import Uplink
from gatewright.plane.linux.vswitch import VSwitches
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind
from gatewright.resources.tunnels import SecretRef

_log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Unfinished(PlaneError):
    """An instance is as its spec says, but for what could not be done, which is as it was, if it is there."""

    def __init__(self, reasons: Sequence[str], standings: dict[int, Standing], unmade: dict[int, str]) -> None:
        super().__init__(together(reasons))
        self.reasons = reasons
        #: As :meth:`Instances.apply` gives them.
        self.standings = standings
        #: Why tunnels could not be made, by their numbers.
        self.unmade = unmade


class Instances:
    """The instances of one installation. Methods block, may run in several threads, and raise PlaneError."""

    def __init__(
        self,
        names: Names,
        folders: Folders,
        vswitches: VSwitches,
        uplink: Uplink,
        started: Callable[[ItemKey, str, Process], None],
        daemon_user: int,
        tunnels: Callable[[], Backend],
        links: TunnelLinks,
        helpers: Executor,
    ) -> None:
        """``started`` is handed every living daemon, in the calling thread, to be watched and closed.

        ``helpers`` are for tunnels of one instance, and for nothing that waits for another of their jobs.
        """
        self._helpers = helpers
        self._tunnels = tunnels
        self._links = links
        self._daemon_user = daemon_user
        self._names = names
        self._started = started
        self._folders = folders
        self._vswitches = vswitches
        self._uplink = uplink
        self._guards = Guards(names)

    def apply(
        self, spec: InstanceSpec, settled: Collection[int] = (), keys: Mapping[SecretRef, str] | None = None
    ) -> dict[int, Standing]:
        """Make the instance be as the spec says, but for what charons are told of tunnels.

        ``keys`` are those of BGP that the spec refers to. Gives what there is for tunnels, by their numbers;
        ``settled`` ones are not looked at. Their charons are to be closed by who gets them. Raises Unfinished, with
        the same, if a tunnel cannot be made or removed, BIRD does not come up, a key is missing, or it cannot be
        told what is wanted: then all the rest is done.
        """
        check_id(spec.id)
        backend = self._tunnels() if spec.ipsec else None
        lan, wan = lan_addresses(spec), wan_addresses(spec)
        name = self._names.namespace(spec.id)
        wrong: list[str] = []
        stuck: dict[int, str] = {}
        with ExitStack() as stack:
            host = stack.enter_context(RoutingRtnl())
            vswitch = self._vswitch(host, spec)
            folder = self._folders.of(spec.key)
            folder.make()
            with step(f"making network namespace {name}"):
                new = netns.ensure(name)
            if not new:
                # as long as the way to their peers is open
                stuck = self._remove_tunnels(spec, backend)
            with step(f"entering network namespace {name}"), netns.entered(name):
                sysctl.quiet_ipv6("all")
                sysctl.announce_addresses()
                steered = backend.served(spec) if backend else ()
                filters.ensure(spec, folder, self._names.port(spec.private.vswitch_id).inner_mac, steered=steered)
                sysctl.route_between_legs()
                sysctl.report_by_arrival()
                inside = stack.enter_context(RoutingRtnl())
            with step(f"opening network namespace {name}"):
                namespace = stack.enter_context(netns.opened(name))
            begun: Process | None = None
            bird = Bird(folder, name, self._daemon_user)
            try:
                try:
                    configuration = instance_bird.configuration(spec, keys or {}, bird.log)
                except ValueError as error:
                    wrong.append(f"what {spec.id} is to do with BGP cannot be: {error}")
                else:
                    # it starts while the links are made, and learns of them as they come
                    begun = self._begin_bird(configuration, bird, new=new)
                self._connect(spec, host, Legs(host, inside, namespace), vswitch, lan, wan, folder)
                instance_routes.ensure(inside, spec)
                instance_bird.ensure_rules(inside, spec)
                if begun is not None:
                    try:
                        begun = bird.finish(begun)
                    except PlaneError as error:
                        wrong.append(str(error))
                standings, unmade = self._make_tunnels(spec, backend, settled, stuck)
                wrong += (stuck | unmade).values()
                try:
                    self._finish(spec, folder, wrong)
                except BaseException:
                    _close(standings)
                    raise
                if wrong:
                    raise Unfinished(wrong, standings, unmade)
                return standings
            finally:
                # also when the rest failed: it carries on, and is our child
                if begun is not None and not begun.closed:
                    self._started(spec.key, bird.name, begun)

    def remove(self, instance_id: str) -> None:
        """Remove every trace of the instance."""
        check_id(instance_id)
        key = ItemKey(Kind.INSTANCE, instance_id)
        name = self._names.namespace(instance_id)
        folder = self._folders.of(key)
        folder.forget_applied()
        backend = self._tunnels()
        if stuck := self._remove_each(backend, instance_id, backend.found(instance_id)):
            raise PlaneError(together(stuck.values()))
        # who was killed within that may have left it without a tunnel
        self._folders.of_tunnels(instance_id).delete()
        Bird(folder, name, self._daemon_user).leave()
        strays.end(name)
        with step(f"deleting network namespace {name}"):
            there = netns.identity(name) is not None
            netns.delete(name)
        with RoutingRtnl() as host:
            if there:
                await_vanished(host, [self._names.lan(instance_id), self._names.wan(instance_id)])
            # what is left all the same: somebody holds the namespace, or it had lost its name
            remove_marked(host, self._names.lan(instance_id))
            self._uplink.unplug(host, instance_id)
        self._guards.remove(key)
        self._links.forget(instance_id)
        folder.delete()

    def has_tunnels(self, spec: InstanceSpec) -> bool:
        """Whether there is all that an instance that was found needs for its tunnels. Changes nothing."""
        return not spec.ipsec or not spec.tunnels or self._tunnels().stands(spec)

    def _finish(self, spec: InstanceSpec, folder: Folder, wrong: list[str]) -> None:
        """Have routes, and note that the instance is as its spec says, if nothing is ``wrong``; what is comes there."""
        try:
            self._links.route(spec)
            if not wrong:
                folder.set_applied(spec)
        except PlaneError as error:
            wrong.append(str(error))

    def _remove_tunnels(self, spec: InstanceSpec, backend: Backend | None) -> dict[int, str]:
        """Remove those that an instance is not to have any more. Gives why some could not be, by their numbers."""
        kept = {tunnel.number for tunnel in backend.served(spec)}.difference(backend.taken(spec)) if backend else set()
        backend = backend or self._tunnels()
        return self._remove_each(backend, spec.id, set(backend.found(spec.id)) - kept)

    def _remove_each(self, backend: Backend, instance_id: str, numbers: Collection[int]) -> dict[int, str]:
        """Gives why some could not be removed, by their numbers."""
        jobs = [functools.partial(backend.remove, instance_id, number) for number in numbers]
        failures = {number: _failure(done) for number, done in zip(numbers, self._at_once(jobs), strict=True)}
        return {number: f"removing tunnel {number}: {why}" for number, why in failures.items() if why}

    def _at_once(self, jobs: Sequence[Callable[[], Result]]) -> list[Future[Result]]:
        """Do jobs of several tunnels: most of the time they wait for a charon, or for the kernel. All are done then."""
        if len(jobs) > 1:
            begun = [self._helpers.submit(contextvars.copy_context().run, job) for job in jobs]
        else:
            begun = [_done(job) for job in jobs]
        wait(begun)
        return begun

    def _make_tunnels(
        self, spec: InstanceSpec, backend: Backend | None, settled: Collection[int], stuck: Mapping[int, str]
    ) -> tuple[dict[int, Standing], dict[int, str]]:
        """Gives what stands, and why some could not be made: those too in whose place something is ``stuck``."""
        standings: dict[int, Standing] = {}
        unmade: dict[int, str] = {}
        if backend is None:
            return standings, unmade
        served = backend.served(spec)
        wanted = [tunnel for tunnel in served if tunnel.number not in settled and tunnel.number not in stuck]
        begun = self._at_once([functools.partial(backend.ensure, spec, tunnel) for tunnel in wanted])
        made = [(tunnel.number, done) for tunnel, done in zip(wanted, begun, strict=True)]
        standings = {number: done.result() for number, done in made if done.exception() is None}
        try:
            failures = {number: _failure(done) for number, done in made}
        except BaseException:
            _close(standings)
            raise
        unmade = {number: f"tunnel {number}: {why}" for number, why in failures.items() if why}
        return standings, {tunnel.number: stuck[tunnel.number] for tunnel in served if tunnel.number in stuck} | unmade

    def _begin_bird(self, configuration: bytes | None, bird: Bird, *, new: bool) -> Process | None:
        if configuration is not None:
            return bird.begin(configuration, new_namespace=new)
        if not new:
            bird.leave()
        return None

    def _connect(
        self,
        spec: InstanceSpec,
        host: RoutingRtnl,
        legs: Legs,
        vswitch: Link,
        lan: list[tuple[str, int]],
        wan: list[tuple[str, int]],
        folder: Folder,
    ) -> None:
        loopback = legs.inside.find("lo")
        if loopback is not None and not loopback.up:
            legs.inside.change(loopback, state="up")
        inner = legs.make(self._names.lan(spec.id), vswitch, LAN)
        outer = None
        if wan:
            with self._uplink.held(host) as bridge:
                outer = legs.make(self._names.wan(spec.id), bridge, WAN)
        else:
            self._uplink.unplug(host, spec.id)
        if spec.public:
            # what protects the host from what the guard lets through then
            self._uplink.connect(host, spec.id, spec.public.addresses)
        # before they come up, and the guard of both in one go
        shaping.ensure(spec, legs, inner, outer)
        self._guards.ensure(spec, folder, vswitch.mac, by_host=self._uplink.leads_outside)
        news = []
        if legs.connect(inner, vswitch, lan):
            news.append(inner)
        if outer:
            with self._uplink.held(host) as bridge:
                if legs.connect(outer, bridge, wan):
                    news.append(outer)
        for leg in news:
            legs.announce(leg)

    def _vswitch(self, host: Rtnl, spec: InstanceSpec) -> Link:
        bridge = self._vswitches.bridge(host, spec.private.vswitch_id)
        if bridge is None:
            raise PlaneError(f"vSwitch {spec.private.vswitch_id} is not on this host: it must be applied first")
        return bridge


def _done(job: Callable[[], Result]) -> Future[Result]:
    """Do a job here and now."""
    future: Future[Result] = Future()
    try:
        future.set_result(job())
    except BaseException as error:
        future.set_exception(error)
    return future


def _failure(done: Future[Result]) -> str | None:
    """Why a job has failed, None if it has not. Raises what is not for anybody to go on after."""
    error = done.exception()
    if error is None:
        return None
    if isinstance(error, PlaneError):
        return str(error)
    if not isinstance(error, Exception):
        raise error
    _log.error("a job of a tunnel failed", exc_info=error)
    return f"{type(error).__name__}: {error}; this is a bug, please report it"


def _close(standings: dict[int, Standing]) -> None:
    """Let go of charons, which carry on."""
    for standing in standings.values():
        standing.process.close()


def lan_addresses(spec: InstanceSpec) -> list[tuple[str, int]]:
    """The address of the private leg, with its prefix length."""
    return [(spec.private.address, ipaddress.IPv4Network(spec.private.network).prefixlen)]


def wan_addresses(spec: InstanceSpec) -> list[tuple[str, int]]:
    """Addresses of the public leg with their prefix lengths, none for a private gateway."""
    if spec.public is None:
        return []
    first, *further = spec.public.addresses
    # one of them leads to the network; more would each make a route of their own
    return [(first, ipaddress.IPv4Network(spec.public.network).prefixlen), *((address, 32) for address in further)]
