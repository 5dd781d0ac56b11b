"""A tunnel's link is up exactly while its SAs carry packets, and says by marks how far it can be relied on.

That is what everything that routes goes by.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from gatewright.plane.linux import netns, vpn_routing
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.routing import RoutingRtnl
from gatewright.plane.linux.tunnels import marks
from gatewright.plane.linux.tunnels.dressing import mark
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import TunnelSpec, link_name


class LinkState(NamedTuple):
    """How far a tunnel's link can be relied on."""

    up: bool = False
    #: False if its health check says that it fails, and decides.
    usable: bool = False
    #: Whether it has carried for long enough to be preferred.
    steady: bool = False


class TunnelLinks:
    """The links of tunnels and the routes over them. Methods block, may run in several threads, raise PlaneError."""

    def __init__(self, names: Names) -> None:
        self._names = names
        #: Of each instance: routes are compared with the links that are up, and nobody may change either meanwhile.
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        #: Of each instance: as what it was routed last.
        self._routed: dict[str, InstanceSpec] = {}

    def set(self, spec: InstanceSpec, tunnel: TunnelSpec, wanted: LinkState) -> bool:
        """Have a tunnel's link so, with its routes. False if it is not there: its charon has ended.

        The routes are those of the spec that :meth:`route` was told last, which may be newer than this one.
        """
        with self._inside(spec) as inside:
            link = inside.find(link_name(tunnel.number))
            if link is None:
                return False
            if link.up and not wanted.up:
                inside.change(link, state="down")
            # also where no check decides: one that is asked for later begins with a link that is marked
            told = [marks.usable(tunnel.number)] if wanted.usable else []
            told += [marks.steady(tunnel.number)] if wanted.steady else []
            mark(inside, link, [one.address for one in told])
            if wanted.up:
                if not link.up:
                    inside.change(link, state="up")
                routed = self._routed.get(spec.id, spec)
                if (now := next((one for one in routed.tunnels if one.id == tunnel.id), None)) is not None:
                    vpn_routing.follow(inside, routed, now)
            return True

    def look(self, spec: InstanceSpec, tunnel: TunnelSpec) -> LinkState | None:
        """How a tunnel's link was set last, maybe by somebody else; None if it is not there."""
        with self._inside(spec) as inside:
            link = inside.find(link_name(tunnel.number))
            if link is None:
                return None
            present = {address for address, _ in inside.addresses(link)}
            usable = not marks.checked(tunnel) or marks.usable(tunnel.number).address in present
            return LinkState(link.up, link.up and usable, link.up and marks.steady(tunnel.number).address in present)

    def route(self, spec: InstanceSpec) -> None:
        """Have the routes of an instance as its spec says, over the links that are up."""
        with self._inside(spec) as inside:
            self._routed[spec.id] = spec
            vpn_routing.ensure(inside, spec)

    def forget(self, instance_id: str) -> None:
        """The instance is gone."""
        self._routed.pop(instance_id, None)

    @contextmanager
    def _inside(self, spec: InstanceSpec) -> Iterator[RoutingRtnl]:
        name = self._names.namespace(spec.id)
        with self._locks[spec.id]:
            with step(f"entering network namespace {name}"), netns.entered(name):
                inside = RoutingRtnl()
            with inside:
                yield inside
