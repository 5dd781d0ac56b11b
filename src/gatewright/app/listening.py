"""The sockets that are served at."""

from __future__ import annotations

import socket

from gatewright.errors import ConfigurationError
from gatewright.settings import BACKLOG


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 picks one. Raises ConfigurationError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener
