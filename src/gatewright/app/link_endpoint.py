"""Where the agents of other hosts call: HTTPS, with a certificate of the installation's own authority."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gatewright.app.host_authority import load_authority
from gatewright.app.listening import listening_socket
from gatewright.app.processes import room_for
from gatewright.errors import ApiError
from gatewright.link.https_server import MOST_CONNECTIONS, MOST_NEWCOMERS, HttpsLinkServer, server_context
from gatewright.reconcile.control_plane import ControlPlane
from gatewright.secrets import Sealer
from gatewright.secrets.certificates import Authority
from gatewright.secrets.server_certificates import load
from gatewright.settings import Settings
from gatewright.store.database import Database
from gatewright.store.transaction import Transaction

_log = logging.getLogger(__name__)
#: How often it is looked whether a first host has been added, seconds.
_LOOK_AGAIN = 1.0
#: How often the endpoint gets a new certificate, and how soon again when that failed, seconds: well before one ends.
_RENEWAL = 30 * 24 * 3600.0
_RENEW_AGAIN = 60.0


@asynccontextmanager
async def link_endpoint(
    settings: Settings, control_plane: ControlPlane, database: Database, sealer: Sealer
) -> AsyncIterator[asyncio.Task[None]]:
    """Serve agents within the context, as soon as the first host has been added; the task ends only when that fails.

    Raises ConfigurationError.
    """

    def find(transaction: Transaction) -> Authority | None:
        return load_authority(transaction, sealer)

    await database.read(find)  # one that does not open is told before anything is served
    room_for(settings.connections + MOST_CONNECTIONS + MOST_NEWCOMERS)
    listener = listening_socket(settings.link_host, settings.link_port)
    serving = asyncio.create_task(_serve_for_ever(settings.link_host, listener, control_plane, database, find))
    try:
        yield serving
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        listener.close()


async def _serve_for_ever(
    host: str,
    listener: socket.socket,
    control_plane: ControlPlane,
    database: Database,
    find: Callable[[Transaction], Authority | None],
) -> None:
    try:
        authority = await _authority(database, find)
        context = server_context(authority.certificate)
        _certify(context, authority, host)
        server = HttpsLinkServer(control_plane, listener, context)
        accepting = await server.start()
        try:
            until = _RENEWAL
            while not accepting.done():
                await asyncio.wait((accepting,), timeout=until)
                until = _renew(context, authority, host)
            await accepting
        finally:
            await server.close()
    except Exception:
        _log.exception("agents of other hosts cannot be served: the service stops")
        raise


def _renew(context: ssl.SSLContext, authority: Authority, host: str) -> float:
    """Have the next connections see a new certificate. Returns in how many seconds there is to be another one."""
    try:
        _certify(context, authority, host)
    except Exception:
        _log.exception("the link's certificate could not be renewed: it is tried again in %.0f s", _RENEW_AGAIN)
        return _RENEW_AGAIN
    return _RENEWAL


async def _authority(database: Database, find: Callable[[Transaction], Authority | None]) -> Authority:
    """Wait for the authority, which comes with the first host."""
    while True:
        with contextlib.suppress(ApiError):  # a database that does not answer is logged by the store
            found = await database.read(find)
            if found is not None:
                return found
        await asyncio.sleep(_LOOK_AGAIN)


def _certify(context: ssl.SSLContext, authority: Authority, host: str) -> None:
    """Load a new certificate."""
    issued = authority.issue_endpoint(host)
    load(context, issued.certificate, issued.private_key)
