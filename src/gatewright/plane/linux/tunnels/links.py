"""A tunnel's link is up exactly while it carries packets: that is what everything that routes goes by."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from gatewright.plane.linux import netns, vpn_routing
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.routing import RoutingRtnl
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import link_name


class TunnelLinks:
    """The links of tunnels and the routes over them. Methods block, may run in several threads, raise PlaneError."""

    def __init__(self, names: Names) -> None:
        self._names = names
        #: Of each instance: routes are compared with the links that are up, and nobody may change either meanwhile.
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def set(self, spec: InstanceSpec, number: int, *, up: bool) -> bool:
        """Have a tunnel's link up, with its routes, or down. False if it is not there: its charon has ended."""
        with self._inside(spec) as inside:
            link = inside.find(link_name(number))
            if link is None:
                return False
            if link.up != up:
                inside.change(link, state="up" if up else "down")
            if up:
                vpn_routing.ensure(inside, spec)
            return True

    def route(self, spec: InstanceSpec) -> None:
        """Have the routes of an instance as its spec says, over the links that are up."""
        with self._inside(spec) as inside:
            vpn_routing.ensure(inside, spec)

    @contextmanager
    def _inside(self, spec: InstanceSpec) -> Iterator[RoutingRtnl]:
        name = self._names.namespace(spec.id)
        with self._locks[spec.id]:
            with step(f"entering network namespace {name}"), netns.entered(name):
                inside = RoutingRtnl()
            with inside:
                yield inside
