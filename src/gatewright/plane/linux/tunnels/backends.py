"""Which back end carries an installation's tunnels on this host."""

from __future__ import annotations

from gatewright.plane.linux import esp
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.tunnels.backend import Backend
from gatewright.plane.linux.tunnels.kernel import Kernel
from gatewright.plane.linux.tunnels.userspace import Userspace


def choose(names: Names, folders: Folders, user: int) -> Backend:
    """The one that :func:`gatewright.plane.linux.esp.backend` has found to be best. Raises PlaneError."""
    if esp.backend() is esp.Backend.KERNEL:
        return Kernel(names, folders, user)
    return Userspace(names, folders, user)
