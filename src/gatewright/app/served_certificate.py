"""The certificate that the API shows, and how another takes its place while it serves.

New handshakes get a context of their own, so that a certificate is there whole or not at all, and connections that
stand go on with theirs.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import partial
from typing import NamedTuple

from gatewright.app.certificate_files import Certificate, read_certificate, tell_kept
from gatewright.app.handover import take
from gatewright.errors import ConfigurationError
from gatewright.secrets.server_certificates import load
from gatewright.settings import Settings
from gatewright.wire.tls import server_context


class _Shown(NamedTuple):
    certificate: Certificate
    context: ssl.SSLContext


class ServedCertificate:
    """What is shown at the moment, and where the next one comes from: the files, or a supervisor."""

    def __init__(self, settings: Settings, theirs: socket.socket | None) -> None:
        """Raises ConfigurationError."""
        self._settings = settings
        self._theirs = theirs
        first = read_certificate(settings) if theirs is None else take(theirs)
        if first is None:
            raise ConfigurationError("there is no certificate to serve with")
        self._shown = _shown(first)

    @property
    def certificate(self) -> Certificate:
        return self._shown.certificate

    def context(self) -> ssl.SSLContext:
        """What the next handshake is made with."""
        return self._shown.context

    def follow(self) -> None:
        """From now on take what a supervisor hands over; where there is none, :meth:`reload` is to be called."""
        if self._theirs is not None:
            self._theirs.setblocking(False)
            asyncio.get_running_loop().add_reader(self._theirs, self._take, self._theirs)

    def reload(self) -> None:
        """Read the files again. What cannot be served with is told in the log, and the one before stays."""
        try:
            found = read_certificate(self._settings)
            if found is not None:
                self._replace(found)
        except ConfigurationError as error:
            tell_kept(error)

    def _take(self, theirs: socket.socket) -> None:
        try:
            found = take(theirs)
        except BlockingIOError:
            return
        except OSError:
            found = None
        if found is None:
            asyncio.get_running_loop().remove_reader(theirs)
            return
        try:
            self._replace(found)
        except ConfigurationError as error:
            tell_kept(error)

    def _replace(self, certificate: Certificate) -> None:
        self._shown = _shown(certificate)
        print(f"The certificate was read again: {certificate.description}", flush=True)


def _shown(certificate: Certificate) -> _Shown:
    try:
        context = server_context(partial(load, certificate=certificate.chain, private_key=certificate.private_key))
    except OSError as error:
        raise ConfigurationError(f"tls_cert and tls_key cannot be used: {error}") from error
    return _Shown(certificate, context)
