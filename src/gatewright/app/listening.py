"""The socket that the API is served at."""

from __future__ import annotations

import socket

from gatewright.errors import ConfigurationError
from gatewright.settings import BACKLOG, Settings


def listening_socket(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say. Raises ConfigurationError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from error
    return listener
