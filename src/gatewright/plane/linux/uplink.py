"""The uplink: the installation's bridge on which the public pool is on-link. It lives while it is used."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gatewright.plane.linux.bridges import ensure_bridge, remove_marked
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.rtnl import Link, Rtnl


class Uplink:
    """Raises PlaneError everywhere."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._lock = threading.Lock()

    @contextmanager
    def held(self, host: Rtnl) -> Iterator[Link]:
        """The bridge, made if it is missing; it is not removed while it is held."""
        with self._lock:
            yield ensure_bridge(host, self._names.uplink)

    def unplug(self, host: Rtnl, instance_id: str) -> None:
        """Remove an instance's leg on it, and the bridge with the last leg of the installation."""
        with self._lock:
            remove_marked(host, self._names.wan(instance_id))
            bridge = host.find(self._names.uplink.name)
            if bridge is None or not self._names.uplink.owns(bridge.alias, bridge.mac):
                return
            ports = (host.find(name) for name in host.ports(bridge))
            if not any(port and self._names.parse_alias(port.alias) for port in ports):
                host.delete(bridge)
