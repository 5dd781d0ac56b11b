"""Where the agents of other hosts call: HTTPS, with a certificate of the installation's own authority."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gatewright.app.data_directory import installation_id
from gatewright.app.host_authority import ensure_authority
from gatewright.app.listening import listening_socket
from gatewright.app.processes import room_for
from gatewright.clock import SystemClock
from gatewright.link.https_server import MOST_CONNECTIONS, HttpsLinkServer, server_context
from gatewright.reconcile.control_plane import ControlPlane
from gatewright.secrets import Sealer
from gatewright.secrets.certificates import Authority
from gatewright.settings import Settings
from gatewright.store.database import Database

#: How often the endpoint gets a new certificate, seconds: well before one ends.
_RENEWAL = 30 * 24 * 3600.0


@asynccontextmanager
async def link_endpoint(
    settings: Settings, control_plane: ControlPlane, database: Database, sealer: Sealer
) -> AsyncIterator[None]:
    """Serve agents within the context. Raises ConfigurationError."""
    installation, now = installation_id(settings.data), SystemClock().now()
    authority = await database.write(lambda transaction: ensure_authority(transaction, sealer, installation, now))
    context = server_context(authority.certificate)
    _certify(context, authority, settings.link_host)
    listener = listening_socket(settings.link_host, settings.link_port)
    server = HttpsLinkServer(control_plane, listener, context)
    room_for(settings.connections + MOST_CONNECTIONS)
    await server.start()
    renewing = asyncio.create_task(_renew_for_ever(context, authority, settings.link_host))
    try:
        yield
    finally:
        renewing.cancel()
        await server.close()


async def _renew_for_ever(context: ssl.SSLContext, authority: Authority, host: str) -> None:
    while True:
        await asyncio.sleep(_RENEWAL)
        _certify(context, authority, host)


def _certify(context: ssl.SSLContext, authority: Authority, host: str) -> None:
    """Load a new certificate. Its key is on no disk: OpenSSL reads it from memory that looks like a file."""
    issued = authority.issue_endpoint(host)
    descriptor = os.memfd_create("gatewright-link")
    try:
        os.write(descriptor, (issued.private_key + issued.certificate).encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
