"""The HTTP server: uvicorn, with bounds on what a client may send before a request is a request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gatewright.wire.interception import DROP

#: Bytes of a request's line and headers together.
LARGEST_HEAD = 64 * 1024
#: How long a client may take to send them, seconds.
HEAD_PATIENCE = 30.0
#: How long what a refused client still sends is read and ignored, seconds.
REFUSED_PATIENCE = 1.0
#: How long an idle connection is kept for the next request, seconds.
KEEP_ALIVE = 75


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a limit to the size of a request's head, and to the time that it may take."""

    _head = 0
    _patience: asyncio.TimerHandle | None = None
    _refused = False
    #: Bytes of trailers so far; below zero while headers are read.
    _trailers = -1

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        # Bodies are bounded where they are read; here only what comes before a request's head is complete counts.
        if self._patience is not None:
            self._head += len(data)
        super().data_received(data)
        if self._refused or self.transport.is_closing():
            return
        if self._patience is None and (self.cycle is None or self.cycle.response_complete):
            # Something came between two requests that began none: empty lines, which are to be skipped.
            self._expect_head()
        if self._patience is not None and self._head > LARGEST_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._trailers = -1
        if self._patience is None:
            self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._trailers < 0:
            super().on_header(name, value)
            return
        # Trailers of a chunked body are nobody's headers.
        self._trailers += len(name) + len(value)
        if self._trailers > LARGEST_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        self._head_done()
        self._trailers = 0
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_done()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._head = 0
        self._patience = self.loop.call_later(HEAD_PATIENCE, self._refuse, b"408 Request Timeout")

    def _head_done(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, status: bytes) -> None:
        """Answer with a bare status, and hang up after a moment: at once might reset what the client has not read."""
        self._head_done()
        if not self._refused and not self.transport.is_closing():
            self._refused = True
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.loop.call_later(REFUSED_PATIENCE, self.transport.close)


class DroppableProtocol(BoundedProtocol):
    """The same, where the application may hang up on a client: it calls ``scope["extensions"][DROP]``."""

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        # The request's task has not begun yet.
        scope: Any = self.cycle.scope
        scope["extensions"] = {DROP: partial(self._drop, self.cycle)}

    def _drop(self, cycle: RequestResponseCycle) -> None:
        # Without this uvicorn would answer 500 for an application that did not.
        cycle.disconnected = True
        self.transport.close()


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process has others."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_for(application: Callable[..., Awaitable[None]], *, droppable: bool = False) -> Server:
    """A server of an ASGI application; one that is ``droppable`` may hang up on clients without an answer."""
    return Server(
        uvicorn.Config(
            application,
            http=DroppableProtocol if droppable else BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=10,
        )
    )
