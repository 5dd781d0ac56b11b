"""A connection to a charon's VICI socket, every wait of it bounded by the kernel.

The package's own timeouts stop after the first byte of an answer, so the limits are set on the socket.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

import vici
from vici.exception import CommandException, DeserializationException, SessionException

#: Longest path of a Unix socket, bytes: unix(7), without the final NUL.
LONGEST_PATH = 107


class ViciClient:
    """Raises OSError if nothing listens at the path, or an answer takes longer than ``seconds``."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000) or 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
            self._socket.connect(str(path))
        except BaseException:
            self._socket.close()
            raise
        self._session = vici.Session(self._socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._socket.close()

    @property
    def peer(self) -> int:
        """The number of the process that listens."""
        credentials = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", credentials)[0]
        return pid

    def version(self) -> str:
        """What the daemon calls itself, such as ``charon-systemd 5.9.8``."""
        try:
            answer = self._session.version()
        except (CommandException, DeserializationException, SessionException) as error:
            raise OSError(f"VICI refused to tell the version: {error}") from error
        return f"{answer['daemon'].decode()} {answer['version'].decode()}"
