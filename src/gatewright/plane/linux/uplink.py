"""The uplink: the installation's bridge on which the public pool is on-link. It lives while it is used."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gatewright.plane.linux.bridges import ensure_bridge, remove_marked
from gatewright.plane.linux.guards import Guards
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.outside import Outside
from gatewright.plane.linux.routing import RoutingRtnl
from gatewright.plane.linux.rtnl import Link


class Uplink:
    """Raises PlaneError everywhere."""

    def __init__(self, names: Names, outside: Outside) -> None:
        self._names = names
        self._outside = outside
        self._guards = Guards(names)
        self._lock = threading.Lock()

    @property
    def leads_outside(self) -> bool:
        """Whether the host forwards between the bridge and an interface."""
        return self._outside.configured

    @contextmanager
    def held(self, host: RoutingRtnl) -> Iterator[Link]:
        """The bridge, made if it is missing; it is not removed while it is held.

        What is sent to it is for the host only where the host is the way outside.
        """
        with self._lock:
            bridge = ensure_bridge(host, self._names.uplink)
            if not self.leads_outside:
                self._guards.close_uplink(self._outside.own)
            yield bridge

    def connect(self, host: RoutingRtnl, instance_id: str, addresses: tuple[str, ...]) -> None:
        """Have the addresses of an instance that is plugged in reached from outside, if the host has a way there."""
        with self.held(host) as bridge:
            self._outside.connect(host, bridge, instance_id, addresses)
            if self.leads_outside:
                # now that the host has its filter there
                self._guards.open_uplink(self._outside.own)

    def faults(self, host: RoutingRtnl, instance_id: str, addresses: tuple[str, ...]) -> list[str]:
        """What is wrong with the way outside of an instance whose leg is plugged in, for people. Changes nothing."""
        # nobody else's connection is half made while this is held
        with self._lock:
            bridge = host.find(self._names.uplink.name)
            return [] if bridge is None else list(self._outside.faults(host, bridge, instance_id, addresses))

    def unplug(self, host: RoutingRtnl, instance_id: str) -> None:
        """Remove an instance's leg on it, and the bridge with the last leg of the installation."""
        with self._lock:
            remove_marked(host, self._names.wan(instance_id))
            bridge = host.find(self._names.uplink.name)
            if bridge is not None and not self._names.uplink.owns(bridge.alias, bridge.mac):
                bridge = None
            used = bridge is not None and any(self._names.parse_alias(port.alias) for port in host.ports(bridge))
            self._outside.release(host, instance_id, last=not used)
            if bridge is not None and not used:
                host.delete(bridge)
            if not used:
                self._guards.open_uplink(self._outside.own)
