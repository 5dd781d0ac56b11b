"""A connection to a charon's VICI socket, every wait of it bounded by the kernel.

The package's own timeouts stop after the first byte of an answer, so the limits are set on the socket.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import vici
from vici.exception import CommandException, DeserializationException, SessionException

from gatewright.plane.linux import local_sockets


class ViciClient:
    """Raises OSError if nothing listens at the path, or an answer takes longer than ``seconds``."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._socket = local_sockets.connect(path, seconds)
        self._session = vici.Session(self._socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._socket.close()

    @property
    def peer(self) -> int:
        """The number of the process that listens."""
        return local_sockets.peer_of(self._socket)

    def version(self) -> str:
        """What the daemon calls itself, such as ``charon-systemd 5.9.8``."""
        try:
            answer = self._session.version()
        except (CommandException, DeserializationException, SessionException) as error:
            raise OSError(f"VICI refused to tell the version: {error}") from error
        return f"{answer['daemon'].decode()} {answer['version'].decode()}"
