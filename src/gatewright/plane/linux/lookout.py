"""Sees at once when somebody takes away by hand what an item is made of.

The kernel's events only say where to look; what is told is a fault that an inspection has found. Events about one item
are gathered for a moment, and there is a pause after each look, so that a storm of events cannot keep a core busy.
Everything is looked at now and then anyway, which mends what an event did not tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from gatewright.plane.contract import Changed, PlaneError
from gatewright.plane.linux import events, guards, netns
from gatewright.plane.linux.events import EventSocket, MountEvents
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.names import UPLINK, VSWITCH, VXLAN, Names
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind, Spec, needs

_log = logging.getLogger(__name__)

#: How long events about one item are gathered before it is looked at, seconds.
GATHER = 0.05
#: How soon what was just applied, or an item of which nothing special was told, is looked at, seconds.
SOON = 1.0
#: How often everything is looked at though nothing was told, seconds.
SWEEP = 600.0
#: After a look that nothing special asked for, so many times its duration go by before the next.
_REST = 25
#: After a look for an event's sake.
_BREATH = 2
#: Bytes of events that the kernel keeps for us, of the host's links: those of all items come together there.
_HOST_BUFFER = 1 << 20

Inspect = Callable[[Spec], str | None]


@dataclass(eq=False)
class _Watched:
    """One item as it was applied. It is another object after each time it is applied."""

    spec: Spec
    #: When it is looked at next, by the loop's clock, and whether an event asked for that.
    due: float
    urgent: bool = False
    namespace: netns.Identity | None = None
    sockets: list[EventSocket] = field(default_factory=list)
    #: What was told of it: it is told once.
    told: str | None = None
    #: Why it could not be looked at, last.
    blind: str | None = None


class Lookout:
    """All methods are called on the event loop."""

    def __init__(self, names: Names, inspect: Inspect, changed: Changed, busy: Callable[[ItemKey], bool]) -> None:
        """``inspect`` blocks, and is called in a thread. An item that the plane is ``busy`` with is left alone."""
        self._names = names
        self._inspect = inspect
        self._changed = changed
        self._busy = busy
        self._loop = asyncio.get_running_loop()
        self._watched: dict[ItemKey, _Watched] = {}
        self._links: dict[str, ItemKey] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gatewright-lookout")
        self._something = asyncio.Event()
        self._host: EventSocket | None = None
        self._host_tables: EventSocket | None = None
        self._mounts: MountEvents | None = None
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to look. Raises PlaneError."""
        with step("listening for changes of links, nft tables and mounts"):
            self._host = EventSocket.routing(events.HOST, _HOST_BUFFER)
            self._host_tables = EventSocket.nftables()
            self._mounts = MountEvents()
        self._loop.add_reader(self._host.fileno(), self._host_links_changed, self._host)
        self._loop.add_reader(self._host_tables.fileno(), self._host_tables_changed, self._host_tables)
        self._loop.add_reader(self._mounts.fileno(), self._mounts_changed, self._mounts)
        self._task = asyncio.ensure_future(self._look_for_ever())

    def add(self, spec: Spec) -> None:
        """Watch an item, which stands as the spec says."""
        self.drop(spec.key)
        watched = self._watched[spec.key] = _Watched(spec, self._loop.time() + SOON)
        for name in self._link_names(spec.key):
            self._links[name] = spec.key
        self._something.set()
        if isinstance(spec, InstanceSpec):
            opening = self._loop.run_in_executor(self._thread, self._open_inside, spec.id)
            opening.add_done_callback(lambda done: self._opened_inside(watched, done))

    def drop(self, key: ItemKey) -> None:
        """Watch the item no longer: what happens to it now is our own doing."""
        watched = self._watched.pop(key, None)
        if watched is None:
            return
        for name in self._link_names(key):
            self._links.pop(name, None)
        self._close_sockets(watched)

    async def close(self) -> None:
        for key in tuple(self._watched):
            self.drop(key)
        for source in (self._host, self._host_tables, self._mounts):
            if source is not None:
                self._loop.remove_reader(source.fileno())
                source.close()
        self._host = self._host_tables = self._mounts = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown)

    def _link_names(self, key: ItemKey) -> list[str]:
        if key.kind is Kind.INSTANCE:
            return [self._names.lan(key.id).name, self._names.wan(key.id).name]
        if key.kind is not Kind.VSWITCH:
            return []
        return [self._names.vswitch(key.id).name, self._names.vxlan(key.id).name]

    def _open_inside(self, instance_id: str) -> tuple[netns.Identity | None, list[EventSocket]]:
        """In a thread: the event loop's stays where it is."""
        name = self._names.namespace(instance_id)
        with step(f"listening for changes in {name}"):
            sockets = events.inside(name)
            return netns.identity(name), sockets

    def _opened_inside(
        self, watched: _Watched, done: asyncio.Future[tuple[netns.Identity | None, list[EventSocket]]]
    ) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            if self._current(watched):
                _log.warning("%s: %s", watched.spec.key, error)
                self._look(watched.spec.key)
            return
        watched.namespace, watched.sockets = done.result()
        if not self._current(watched):
            for source in watched.sockets:
                source.close()
            watched.sockets = []
            return
        for source in watched.sockets:
            self._loop.add_reader(source.fileno(), self._inside_changed, watched, source)

    def _close_sockets(self, watched: _Watched) -> None:
        for source in watched.sockets:
            self._loop.remove_reader(source.fileno())
            source.close()
        watched.sockets = []

    def _current(self, watched: _Watched) -> bool:
        return self._watched.get(watched.spec.key) is watched

    # what events say

    def _inside_changed(self, watched: _Watched, source: EventSocket) -> None:
        source.take()
        self._look(watched.spec.key)

    def _host_links_changed(self, source: EventSocket) -> None:
        datagrams, lost = source.take()
        if lost:
            self._look_at_all()
        for datagram in datagrams:
            for link in events.link_events(datagram):
                self._link_changed(link)
            for index in events.shaped_links(datagram):
                with contextlib.suppress(OSError):  # it has gone since, which was told as well
                    if (key := self._links.get(socket.if_indextoname(index))) is not None:
                        self._look(key)

    def _link_changed(self, link: events.LinkEvent) -> None:
        if link.name == self._names.uplink.name:
            # one that is up gets and loses legs, which tell of themselves
            if not link.up:
                self._look_at_all()
            return
        key = self._links.get(link.name)
        if key is None and (ours := self._names.parse_alias(link.alias)) is not None and ours[0] != UPLINK:
            key = ItemKey(Kind.VSWITCH if ours[0] in (VSWITCH, VXLAN) else Kind.INSTANCE, ours[1])
        if key is not None:
            self._look(key)

    def _host_tables_changed(self, source: EventSocket) -> None:
        datagrams, lost = source.take()
        # names of our tables have the installation's id in them; others' come and go all the time on some hosts
        ours = self._names.installation.encode()
        told = [datagram for datagram in datagrams if ours in datagram]
        for key in self._watched if told else ():
            if key.kind is Kind.INSTANCE and any(guards.concerns(datagram, key.id) for datagram in told):
                self._look(key)
        if lost or any(events.tells_of_deleted_table(datagram) for datagram in told):
            self._look_at_all()

    def _mounts_changed(self, source: MountEvents) -> None:
        source.take()
        for key, watched in self._watched.items():
            if watched.namespace is None:
                continue
            try:
                lost = netns.identity(self._names.namespace(key.id)) != watched.namespace
            except OSError:
                lost = True
            if lost:
                self._look(key)

    def _look(self, key: ItemKey) -> None:
        """Look at the item when nothing more has been told of it for the moment."""
        watched = self._watched.get(key)
        if watched is not None and not watched.urgent:
            watched.urgent, watched.due = True, self._loop.time() + GATHER
            self._something.set()

    def _look_at_all(self) -> None:
        soon = self._loop.time() + GATHER
        for watched in self._watched.values():
            watched.due = min(watched.due, soon)
        self._something.set()

    # looking

    async def _look_for_ever(self) -> None:
        while True:
            self._something.clear()
            # what an event told of comes first; of the rest, what waits longest
            watched = min(self._watched.values(), key=lambda one: (not one.urgent, one.due), default=None)
            wait = None if watched is None else watched.due - self._loop.time()
            if watched is None or (wait is not None and wait > 0):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._something.wait()
                continue
            urgent, began = watched.urgent, self._loop.time()
            watched.urgent, watched.due = False, began + SWEEP
            await self._inspect_and_tell(watched)
            rest = (_BREATH if urgent else _REST) * (self._loop.time() - began)
            if urgent:
                await asyncio.sleep(rest)
            else:
                await self._rest(rest)

    async def _rest(self, seconds: float) -> None:
        """Pause, but for something urgent."""
        deadline = self._loop.time() + seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                while not any(one.urgent for one in self._watched.values()):
                    self._something.clear()
                    await self._something.wait()

    async def _inspect_and_tell(self, watched: _Watched) -> None:
        key = watched.spec.key
        if self._busy(key):
            return  # it is looked at after it has been applied
        try:
            found = await self._loop.run_in_executor(self._thread, self._inspect, watched.spec)
        except PlaneError as error:
            if watched.blind != str(error):
                _log.warning("%s cannot be looked at: %s", key, error)
            watched.blind = str(error)
            return
        except Exception:
            _log.exception("looking at %s failed", key)
            return
        watched.blind = None
        if not self._current(watched) or self._busy(key):
            return
        if found is not None and found != watched.told:
            # what it is plugged into is made anew before it
            for needed in needs(watched.spec):
                if (other := self._watched.get(needed)) is not None:
                    await self._inspect_and_tell(other)
            if self._current(watched):
                self._changed(key, found)
        watched.told = found
