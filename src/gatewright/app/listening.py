"""The sockets that are served at."""

from __future__ import annotations

import errno
import logging
import socket
import time
from collections.abc import Sequence

from gatewright.errors import ConfigurationError
from gatewright.settings import BACKLOG

_log = logging.getLogger(__name__)
_POLL = 0.05


def listening_socket(host: str, port: int, patience: float = 0.0) -> socket.socket:
    """A socket that listens at an address; port 0 picks one. Raises ConfigurationError.

    An address in use is waited for up to ``patience`` seconds: the socket of a service that was killed is open as long
    as a process of it has not ended.
    """
    deadline = time.monotonic() + patience
    told = False
    while True:
        try:
            return _listen(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                raise ConfigurationError(
                    f"cannot listen on {host}:{port}: {error.strerror}{_instead(error, port)}"
                ) from error
        if not told:
            _log.warning("%s:%d is in use: waiting up to %.0f s for it to become free", host, port, patience)
            told = True
        time.sleep(_POLL)


def url_of(host: str, listener: socket.socket, names: Sequence[str] | None = None) -> str:
    """How this machine calls what is served there; ``host`` is as the settings have it.

    It is over HTTPS where there are ``names`` that its certificate is for; one of those is told if clients would not
    accept the certificate for the address itself.
    """
    port: int = listener.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is replaced
    if names is not None:
        host = _accepted(host, names)
    scheme = "http" if names is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _accepted(host: str, names: Sequence[str]) -> str:
    from gatewright.secrets.server_certificates import good_for

    if good_for(names, host):
        return host
    return next((name for name in names if "*" not in name), host)


def _instead(error: OSError, port: int) -> str:
    """The rest of a sentence that says who is in the way, and what to do."""
    if error.errno != errno.EADDRINUSE:
        return ""
    from gatewright.plane.linux.ports import listeners

    who = ", ".join(listeners("tcp", port))
    return f"{f' by {who}' if who else ''}; choose another port, or end what is there"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
