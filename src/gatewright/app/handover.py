"""How the linux plane's API gets its certificate: from its supervisor, over a pair of sockets.

The files may be root's alone, and lie where the API does not see them. What comes is a certificate that the supervisor
has looked at already: the first before the API starts, another whenever one is read anew. Nothing is ever said in the
other direction.
"""

from __future__ import annotations

import logging
import socket

import msgspec

from gatewright.app.certificate_files import LARGEST, Certificate, read_certificate, tell_kept
from gatewright.errors import ConfigurationError
from gatewright.settings import Settings

#: Bytes of a message: two files, and what is said of them.
_LARGEST_MESSAGE = 3 * LARGEST
_log = logging.getLogger(__name__)


class CertificateKeeper:
    """The supervisor's side: the certificate that counts, and the API of the moment."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError."""
        self._settings = settings
        self._current = read_certificate(settings)
        self._ours: socket.socket | None = None

    def begin(self) -> socket.socket | None:
        """What an API is to be started with, the certificate in it already; None where it serves without TLS.

        The API of before gets none any more.
        """
        self.close()
        if self._current is None:
            return None
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setblocking(False)
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _LARGEST_MESSAGE)
        _give(self._ours, self._current)
        return theirs

    def close(self) -> None:
        """Hand over nothing more."""
        if self._ours is not None:
            self._ours.close()

    def reload(self) -> None:
        """Read the files again, for the API that runs and those that follow. The certificate stays if that fails."""
        try:
            found = read_certificate(self._settings)
        except ConfigurationError as error:
            tell_kept(error)
            return
        if found is None or self._ours is None:
            return
        self._current = found
        try:
            _give(self._ours, found)
        except OSError as error:
            _log.warning("the API does not take the new certificate (%s): it gets it when it is started again", error)


def take(theirs: socket.socket) -> Certificate | None:
    """The next certificate that was handed over; None when no more will come. Raises OSError, BlockingIOError too."""
    message = theirs.recv(_LARGEST_MESSAGE)
    return msgspec.msgpack.decode(message, type=Certificate) if message else None


def _give(ours: socket.socket, certificate: Certificate) -> None:
    ours.send(msgspec.msgpack.encode(certificate))
