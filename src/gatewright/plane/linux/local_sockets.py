"""Unix sockets of daemons on this host: connecting with every wait bounded, and who listens."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

#: Longest path of a Unix socket, bytes: unix(7), without the final NUL.
LONGEST_PATH = 107


def connect(path: Path, seconds: float) -> socket.socket:
    """A stream to a Unix socket, every wait on it bounded by the kernel. Raises OSError."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000) or 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        found.connect(str(path))
    except BaseException:
        found.close()
        raise
    return found


def peer_of(connected: socket.socket) -> int:
    """The number of the process that listens at the other end."""
    credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    return pid


def listener(path: Path, seconds: float) -> int:
    """The number of the process that listens at a path. Raises OSError."""
    with connect(path, seconds) as found:
        return peer_of(found)
