"""TUN devices that stay when nobody has them open."""

from __future__ import annotations

import fcntl
import os
import struct

_DEVICE = "/dev/net/tun"
#: linux/if_tun.h.
_SET_INTERFACE, _SET_PERSISTENT = 0x400454CA, 0x400454CB
_TUN, _NO_INFORMATION = 0x0001, 0x1000


def make(name: str) -> None:
    """Make a TUN device in the calling thread's namespace that nobody reads from; it is down. Raises OSError."""
    descriptor = os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _SET_INTERFACE, struct.pack("16sH22x", name.encode(), _TUN | _NO_INFORMATION))
        fcntl.ioctl(descriptor, _SET_PERSISTENT, 1)
    finally:
        os.close(descriptor)
