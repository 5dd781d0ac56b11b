"""TLS in front of the HTTP server: who is let in, how long a handshake may take, which certificate is shown.

The server's own way counts a connection when its handshake is done, so those that make none would be without bound.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable

from gatewright import ids
from gatewright.errors import NEED_SSL
from gatewright.wire.encoding import encode_error

#: How long a client may take for its handshake, seconds.
HANDSHAKE_PATIENCE = 10.0
#: Handshakes under way at once.
MOST_HANDSHAKES = 128
#: How long what is written may take to be read when the connection is to end, seconds.
FAREWELL_PATIENCE = 30.0
#: How long one that speaks no TLS is listened to, seconds.
PLAIN_PATIENCE = 1.0
#: Connections that are accepted before anything else gets its turn.
_AT_A_TIME = 64
#: How long to wait when nothing can be accepted, seconds.
_ACCEPT_AGAIN = 0.5
#: What every handshake begins with (RFC 8446, 5.1).
_HANDSHAKE = b"\x16"

_log = logging.getLogger(__name__)


def server_context(load: Callable[[ssl.SSLContext], None]) -> ssl.SSLContext:
    """TLS 1.2 and later, for HTTP/1.1; ``load`` has it show a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # TLS 1.2 with forward secrecy and authenticated encryption only, as RFC 9325 recommends
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    load(context)
    return context


class Door:
    """Accepts connections of a socket, has them make their handshake, and hands them to protocols of HTTP."""

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        context: Callable[[], ssl.SSLContext],
    ) -> None:
        """``context`` is asked at every handshake."""
        self._listener = listener
        self._protocol = protocol
        self._context = context
        self._loop = asyncio.get_running_loop()
        #: In the order that they came in.
        self._newcomers: dict[asyncio.Task[None], None] = {}
        self._again: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Accept no more, and drop those whose handshake is not done."""
        self._loop.remove_reader(self._listener)
        if self._again is not None:
            self._again.cancel()
        for task in self._newcomers:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until they are dropped."""
        await asyncio.gather(*self._newcomers, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(_AT_A_TIME):
            try:
                accepted, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.warning("a connection could not be accepted: %s", error.strerror or error)
                self._loop.remove_reader(self._listener)
                self._again = self._loop.call_later(_ACCEPT_AGAIN, self._loop.add_reader, self._listener, self._accept)
                return
            if len(self._newcomers) >= MOST_HANDSHAKES:
                # who has had the longest time for it goes
                oldest = next(iter(self._newcomers))
                del self._newcomers[oldest]
                oldest.cancel()
            task = self._loop.create_task(self._let_in(accepted))
            self._newcomers[task] = None
            task.add_done_callback(lambda ended: self._newcomers.pop(ended, None))

    async def _let_in(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        try:
            async with asyncio.timeout(HANDSHAKE_PATIENCE):
                await self._readable(accepted)
                first = accepted.recv(1, socket.MSG_PEEK)
                if first == _HANDSHAKE:
                    await self._loop.connect_accepted_socket(
                        self._protocol,
                        accepted,
                        ssl=self._context(),
                        ssl_handshake_timeout=HANDSHAKE_PATIENCE,
                        ssl_shutdown_timeout=FAREWELL_PATIENCE,
                    )
                    return
            if first:
                await self._explain(accepted)
        except (OSError, TimeoutError) as error:
            # anybody can cause it, as often as they like: nothing for a log that is read
            _log.debug("a handshake was not made: %r", error)
        except BaseException:
            accepted.close()
            raise
        accepted.close()

    async def _readable(self, accepted: socket.socket) -> None:
        arrived = asyncio.Event()
        self._loop.add_reader(accepted, arrived.set)
        try:
            await arrived.wait()
        finally:
            self._loop.remove_reader(accepted)

    async def _explain(self, accepted: socket.socket) -> None:
        """Answer who speaks plain HTTP as HTTP does, having read on for a moment, so that the answer is seen."""
        error = NEED_SSL.because("The service speaks HTTPS at this address: write https:// and name its authority.")
        body, kind = encode_error(error, ids.request_id(), "", "JSON")
        head = b"HTTP/1.1 %d Not Found\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        await self._loop.sock_sendall(accepted, head % (error.status, kind, len(body)) + body)
        accepted.shutdown(socket.SHUT_WR)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PLAIN_PATIENCE):
                while await self._loop.sock_recv(accepted, 64 * 1024):
                    pass
