"""Sees at once when somebody takes away by hand what an item is made of.

The kernel's events only say where to look; what is told is a fault that an inspection has found. Events about one item
are gathered for a moment, and there is a pause after each look, so that a storm of events cannot keep a core busy.
Everything is looked at now and then anyway, which mends what an event did not tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import socket
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from gatewright.plane.contract import Changed, PlaneError
from gatewright.plane.linux import ears, events, guards, netns, outside_filter
from gatewright.plane.linux.ears import Ear, Ears
from gatewright.plane.linux.events import EventSocket, MountEvents
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.options import HostOptions, UplinkOptions
from gatewright.resources.specs import InstanceSpec, ItemKey, RouterSpec, Spec, needs

_log = logging.getLogger(__name__)

#: How long events about one item are gathered before it is looked at, seconds.
GATHER = 0.05
#: How soon what was just applied, or an item of which nothing special was told, is looked at, seconds.
SOON = 1.0
#: How soon an item is looked at that something was being mended of, seconds.
_AFTER_MENDING = 0.2
#: How often everything is looked at though nothing was told, seconds.
SWEEP = 600.0
#: After a look that nothing special asked for, so many times what it used of a processor go by before the next.
_REST = 50
#: After a look for an event's sake.
_BREATH = 2
#: Bytes of events that the kernel keeps for us, of the host's links: those of all items come together there.
_HOST_BUFFER = 1 << 20

#: Of the namespaces of an instance's tunnels, those of some numbers are looked into; None: all.
Within = Collection[int] | None
#: The last are the numbers of the tunnels that are left out.
Inspect = Callable[[Spec, Within, Collection[int]], str | None]


@dataclass(eq=False)
class _Watched:
    """One item as it was applied. It is another object after each time it is applied."""

    spec: Spec
    #: When all of it is looked at next, by the loop's clock.
    due: float
    #: When it is looked at because something was told, and in the namespaces of which of its tunnels that was.
    urgent: float | None = None
    told_in: set[int] = field(default_factory=set)
    #: What was told of it: it is told once.
    told: str | None = None
    #: Why it could not be looked at, last.
    blind: str | None = None
    #: Queueing disciplines as they were told last, by namespace, link and place.
    queues: dict[tuple[str, int, int], object] = field(default_factory=dict)

    def requeued(self, where: str, event: events.QueueEvent) -> bool:
        """Whether an event tells something new: looking causes such events itself."""
        place = where, event.link, event.parent
        known = self.queues.get(place)
        self.queues[place] = event.now
        return event.now is None or event.now != known


class Lookout:
    """All methods are called on the event loop."""

    def __init__(
        self,
        names: Names,
        options: HostOptions,
        inspect: Inspect,
        changed: Changed,
        busy: Callable[[ItemKey], bool],
        mending: Callable[[ItemKey], frozenset[int]],
    ) -> None:
        """``inspect`` blocks, and is called in a thread. An item that the plane is ``busy`` with is left alone.

        So are the tunnels of an instance that it is ``mending``, by their numbers.
        """
        self._names = names
        self._options = options
        self._inspect = inspect
        self._changed = changed
        self._busy = busy
        self._mending = mending
        self._loop = asyncio.get_running_loop()
        self._watched: dict[ItemKey, _Watched] = {}
        self._ears: dict[ItemKey, Ears] = {}
        self._links: dict[str, ItemKey] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gatewright-lookout")
        self._something = asyncio.Event()
        self._host: EventSocket | None = None
        self._host_tables: EventSocket | None = None
        self._mounts: MountEvents | None = None
        self._task: asyncio.Task[None] | None = None
        #: What the look that is under way has used of a processor, seconds.
        self._used = 0.0
        self._names_due: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to look. Raises PlaneError."""
        groups = events.HOST | (events.OUTSIDE if self._options.uplink else 0)
        with step("listening for changes of links, nft tables and mounts"):
            self._host = EventSocket.routing(groups, _HOST_BUFFER)
            self._host_tables = EventSocket.nftables()
            self._mounts = MountEvents()
        self._loop.add_reader(self._host.fileno(), self._host_links_changed, self._host)
        self._loop.add_reader(self._host_tables.fileno(), self._host_tables_changed, self._host_tables)
        self._loop.add_reader(self._mounts.fileno(), self._mounts_changed, self._mounts)
        self._task = asyncio.ensure_future(self._look_for_ever())

    def add(self, spec: Spec) -> None:
        """Watch an item, which stands as the spec says."""
        self.pause(spec)
        watched = self._watched[spec.key] = _Watched(spec, self._loop.time() + SOON)
        for name in self._link_names(spec):
            self._links[name] = spec.key
        self._something.set()
        held = self._ears[spec.key].names if spec.key in self._ears else ()
        missing = [name for name in self._namespaces(spec) if name not in held]
        if missing:
            opening = self._loop.run_in_executor(self._thread, ears.opened, missing)
            opening.add_done_callback(lambda done: self._opened_inside(watched, done))

    def pause(self, spec: Spec) -> None:
        """Watch an item no longer, which is made to be as the spec says: what happens to it now is our own doing."""
        self._forget(spec.key)
        if (held := self._ears.get(spec.key)) is not None:
            held.keep(self._namespaces(spec))

    def drop(self, key: ItemKey) -> None:
        """Watch an item no longer, which is to go, or of which nobody knows how it stands."""
        self._forget(key)
        if (held := self._ears.pop(key, None)) is not None:
            held.keep(())

    def _forget(self, key: ItemKey) -> None:
        watched = self._watched.pop(key, None)
        for name in self._link_names(watched.spec) if watched is not None else ():
            if self._links.get(name) == key:
                del self._links[name]

    async def close(self) -> None:
        if self._names_due is not None:
            self._names_due.cancel()
        for key in {*self._watched, *self._ears}:
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

    def _link_names(self, spec: Spec) -> list[str]:
        """The links of an item in the host's namespace."""
        if isinstance(spec, InstanceSpec):
            return [self._names.lan(spec.id).name, self._names.wan(spec.id).name]
        if isinstance(spec, RouterSpec):
            return [self._names.port(port.vswitch_id).name for port in spec.ports]
        bridge = self._options.bridges.get(spec.id) or self._names.vswitch(spec.id).name
        return [bridge, self._names.vxlan(spec.id).name]

    def _namespaces(self, spec: Spec) -> dict[str, int | None]:
        """The names of an item's namespaces: its own, and by their numbers those of its tunnels."""
        if not isinstance(spec, InstanceSpec | RouterSpec):
            return {}
        found: dict[str, int | None] = {self._names.namespace_of(spec.key): None}
        for tunnel in spec.tunnels if isinstance(spec, InstanceSpec) else ():
            found[self._names.tunnel_namespace(spec.id, tunnel.number)] = tunnel.number
        return found

    def _opened_inside(self, watched: _Watched, done: asyncio.Future[dict[str, Ear]]) -> None:
        if done.cancelled():
            return
        key, error = watched.spec.key, done.exception()
        if error is not None:
            if self._current(watched):
                _log.warning("%s: %s", key, error)
                self._look(key)
        elif not self._current(watched):
            ears.close(done.result())
        else:
            if key not in self._ears:
                self._ears[key] = Ears(functools.partial(self._inside_changed, key))
            self._ears[key].add(done.result())

    def _current(self, watched: _Watched) -> bool:
        return self._watched.get(watched.spec.key) is watched

    # what events say

    def _inside_changed(self, key: ItemKey, where: str, source: EventSocket) -> None:
        datagrams, look = source.take()
        watched = self._watched.get(key)
        if watched is None:
            return
        for datagram in datagrams:
            queues = events.queue_events(datagram)
            changed = [watched.requeued(where, queue) for queue in queues or ()]
            if any(changed) or (queues is None and not events.only_of_bird(datagram)):
                look = True
        if look:
            self._look(key, where)

    def _host_links_changed(self, source: EventSocket) -> None:
        datagrams, lost = source.take()
        if lost:
            self._look_at_all()
        for datagram in datagrams:
            for link in events.link_events(datagram):
                self._link_changed(link)
            for queue in events.queue_events(datagram) or ():
                key = self._links.get(_name_of(queue.link))
                if key is not None and self._watched[key].requeued("host", queue):
                    self._look(key)
            if self._options.uplink is not None:
                self._outside_changed(self._options.uplink, datagram)

    def _link_changed(self, link: events.LinkEvent) -> None:
        if link.name == self._names.uplink.name:
            # one that is up gets and loses legs, which tell of themselves
            if not link.up:
                self._look_at_public()
            return
        if self._options.uplink is not None and link.name == self._options.uplink.interface and not link.up:
            self._look_at_public()
        key = self._links.get(link.name)
        if key is None and (ours := self._names.parse_alias(link.alias)) is not None:
            # it was renamed
            key = self._links.get(self._names.marked(*ours).name)
        if key is not None:
            self._look(key)

    def _outside_changed(self, uplink: UplinkOptions, datagram: bytes) -> None:
        ours = uplink.interface, self._names.uplink.name
        if any(_name_of(index) in ours for index in events.configured_links(datagram)):
            self._look_at_public()
        for address in events.routed_addresses(datagram):
            if ipaddress.IPv4Address(address) in uplink.pool:
                for key, watched in self._watched.items():
                    if address in _public_addresses(watched.spec):
                        self._look(key)

    def _host_tables_changed(self, source: EventSocket) -> None:
        datagrams, lost = source.take()
        # names of our tables have the installation's id in them; others' come and go all the time on some hosts
        ours = self._names.installation.encode()
        told = [datagram for datagram in datagrams if ours in datagram]
        for key in self._watched if told else ():
            if any(guards.concerns(datagram, key) for datagram in told):
                self._look(key)
        outside = outside_filter.name(self._names).encode()
        if any(outside in datagram for datagram in told):
            self._look_at_public()
        if any(events.tells_of_deleted_table(datagram) for datagram in told):
            for key in self._watched:
                self._look(key)
        elif lost:
            self._look_at_all()

    def _mounts_changed(self, source: MountEvents) -> None:
        source.take()
        # every daemon that anybody starts in a view of its own mounts a dozen times
        if self._names_due is None:
            self._names_due = self._loop.call_later(GATHER, self._look_for_names)

    def _look_for_names(self) -> None:
        """Look at the items whose namespaces have lost their names."""
        self._names_due = None
        try:
            found = netns.listing()
        except OSError:
            found = {}
        for key in self._watched:
            if key in self._ears and self._ears[key].lost(found):
                self._look(key)

    def _look(self, key: ItemKey, where: str | None = None) -> None:
        """Look at the item when nothing more has been told of it for the moment, and into the namespace ``where``."""
        watched = self._watched.get(key)
        if watched is None:
            return
        tunnel = None if where is None else self._namespaces(watched.spec).get(where)
        if tunnel is not None:
            watched.told_in.add(tunnel)
        if watched.urgent is None:
            watched.urgent = self._loop.time() + GATHER
            self._something.set()

    def _look_at_all(self) -> None:
        """Look at everything, one after the other: something happened, and nobody knows what."""
        soon = self._loop.time() + GATHER
        for watched in self._watched.values():
            watched.due = min(watched.due, soon)
        self._something.set()

    def _look_at_public(self) -> None:
        """Look at those that depend on the way outside."""
        for key, watched in self._watched.items():
            if _public_addresses(watched.spec):
                self._look(key)

    # looking

    async def _look_for_ever(self) -> None:
        while True:
            self._something.clear()
            watched = min(self._watched.values(), key=_turn, default=None)
            wait = None if watched is None else _turn(watched)[1] - self._loop.time()
            if watched is None or (wait is not None and wait > 0):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._something.wait()
                continue
            urgent = watched.urgent is not None
            within = frozenset(watched.told_in) if urgent else None
            watched.urgent = None
            watched.told_in.clear()
            if not urgent:
                watched.due = self._loop.time() + SWEEP
            self._used = 0.0
            if not await self._inspect_and_tell(watched, within) and self._current(watched):
                # what was told may be about something else than what is being mended
                again = self._loop.time() + _AFTER_MENDING
                if within is None:
                    watched.due = min(watched.due, again)
                else:
                    watched.told_in |= within
                    watched.urgent = again if watched.urgent is None else min(watched.urgent, again)
            rest = (_BREATH if urgent else _REST) * self._used
            if urgent:
                await asyncio.sleep(rest)
            else:
                await self._rest(rest)

    async def _rest(self, seconds: float) -> None:
        """Pause, but for something urgent."""
        deadline = self._loop.time() + seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                while all(one.urgent is None for one in self._watched.values()):
                    self._something.clear()
                    await self._something.wait()

    def _inspect_measured(self, spec: Spec, within: Within, left_out: Collection[int]) -> str | None:
        """In the thread. Others may keep the processor from us for long: that is no reason to rest."""
        began = time.thread_time()
        try:
            return self._inspect(spec, within, left_out)
        finally:
            self._used += time.thread_time() - began

    async def _inspect_and_tell(self, watched: _Watched, within: Within = None) -> bool:
        """Gives whether that was possible: not while the plane is busy with the item."""
        key = watched.spec.key
        if self._busy(key):
            return False
        mending = self._mending(key)
        try:
            inspect = functools.partial(self._inspect_measured, watched.spec, within, mending)
            found = await self._loop.run_in_executor(self._thread, inspect)
        except PlaneError as error:
            if watched.blind != str(error):
                _log.warning("%s cannot be looked at: %s", key, error)
            watched.blind = str(error)
            return True
        except Exception:
            _log.exception("looking at %s failed", key)
            return True
        watched.blind = None
        if not self._current(watched) or self._busy(key):
            return False
        if found is not None and self._mending(key) != mending:
            # it may be about a charon that has ended since
            return False
        if found is not None and found != watched.told:
            # what it is plugged into is made anew before it
            for needed in needs(watched.spec):
                if (other := self._watched.get(needed)) is not None:
                    await self._inspect_and_tell(other)
            if self._current(watched):
                self._changed(key, found)
        if found is not None or within is None:
            watched.told = found
        return True


def _turn(watched: _Watched) -> tuple[bool, float]:
    """What an event told of comes first; of the rest, what waits longest. The second is when its turn is."""
    return (True, watched.due) if watched.urgent is None else (False, watched.urgent)


def _name_of(index: int) -> str:
    """What a link of the host's is called; empty if it has gone since, which was told as well."""
    try:
        return socket.if_indextoname(index)
    except (OSError, OverflowError):
        return ""


def _public_addresses(spec: Spec) -> tuple[str, ...]:
    return spec.public.addresses if isinstance(spec, InstanceSpec) and spec.public else ()
