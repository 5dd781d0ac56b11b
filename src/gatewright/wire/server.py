"""The HTTP server: uvicorn, with bounds on what a client may do before, between and after its requests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gatewright import ids
from gatewright.errors import SERVICE_UNAVAILABLE
from gatewright.settings import BACKLOG
from gatewright.wire.encoding import encode_error
from gatewright.wire.interception import DROP
from gatewright.wire.tls import Door

#: Bytes of a request's line and headers together, of a chunked body's trailers, and of what stands between its data.
LARGEST_HEAD = 64 * 1024
#: Headers of a request.
MOST_HEADERS = 128
#: Requests of one connection that wait for the answer to an earlier one.
MOST_PIPELINED = 32
#: How long a client may take to send a head, seconds.
HEAD_PATIENCE = 30.0
#: How long a client may take to read half of what it was answered and has not read, seconds.
ANSWER_PATIENCE = 30.0
#: How long what a refused client still sends is read and ignored, seconds.
REFUSED_PATIENCE = 1.0
#: How long an idle connection is kept for the next request, seconds.
KEEP_ALIVE = 75
#: Connections that are told at one time that there is no room for them; beyond, the connection is reset.
MOST_TURNED_AWAY = 64


class Room:
    """How many connections a server has at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.turned_away = 0
        #: Connections whose client may ask again and does not, the longest idle first.
        self.idle: dict[BoundedProtocol, None] = {}

    def evict(self) -> bool:
        """Close the connection that has been idle longest, if there is one: a client may close it at any time too."""
        return any(connection.retire() for connection in self.idle)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds: to a head's size and time, to pipelining, to connections, to unread answers."""

    #: Bytes that came and of which the parser has told nothing yet: of a head, or of a line inside a chunked body.
    #: Of the parsed head, its bytes and how many headers it has.
    _arrived = 0
    _head = 0
    _headers = 0
    #: Waits for a head.
    _patience: asyncio.TimerHandle | None = None
    #: Waits for the client to read.
    _unread: asyncio.TimerHandle | None = None
    #: What comes from now on is ignored.
    _deaf = False
    _turned_away = False
    #: Bytes of trailers so far; below zero while headers are read.
    _trailers = -1
    #: The head that has been parsed asks for another protocol, and is to be parsed again without that.
    _upgrading = False

    def __init__(self, *, room: Room, **options: Any) -> None:
        super().__init__(**options)
        self._room = room

    def connection_made(self, transport: Any) -> None:
        full = len(self.connections) >= self._room.most and not self._room.evict()
        super().connection_made(transport)
        if full:
            self._turn_away()
        else:
            self._expect_head()

    def _turn_away(self) -> None:
        # It is no connection that is served: as one of them it would keep the room full.
        self.connections.discard(self)
        if self._room.turned_away >= MOST_TURNED_AWAY:
            self._deaf = True
            self.transport.abort()
            return
        self._turned_away = True
        self._room.turned_away += 1
        error = SERVICE_UNAVAILABLE.because(f"The service has {self._room.most} connections, its limit; try again.")
        body, kind = encode_error(error, ids.request_id(), "", "JSON")
        self._refuse(b"503 Service Unavailable\r\nretry-after: 1\r\ncontent-type: " + kind, body)

    def retire(self) -> bool:
        """Make room for another connection. False for one that still has something to send."""
        if self.transport.get_write_buffer_size() > 0:
            return False
        self._head_done()
        self._deaf = True
        self._room.idle.pop(self, None)
        self.connections.discard(self)
        if self.scheme == "https":
            # it is no longer counted, so it must not wait for the client to say farewell
            self.transport.abort()
        else:
            self.transport.close()
        return True

    def shutdown(self) -> None:
        """The service ends, and so does a connection on which nothing is under way.

        Over TLS it says farewell and waits for no answer: an idle client would give it with its next request.
        """
        super().shutdown()
        if self.scheme == "https" and not self._answering() and self.transport.get_write_buffer_size() == 0:
            self.loop.call_soon(self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._room.idle.pop(self, None)
        self._head_done()
        if self._unread is not None:
            self._unread.cancel()
        if self._turned_away:
            self._room.turned_away -= 1
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        self._room.idle.pop(self, None)
        # In pieces: between two of them the parser gathers no more than is counted.
        for start in range(0, len(data), LARGEST_HEAD):
            piece = data[start : start + LARGEST_HEAD]
            self._arrived += len(piece)
            try:
                self._parse(piece)
            except httptools.HttpParserError as error:
                # Anybody can cause it, as often as they like: nothing for a log that is read.
                self.logger.debug("What %s sent is no HTTP: %r", self.client, error)
                self._refuse(b"400 Bad Request")
            if self._deaf or self.transport.is_closing():
                return
            if self._patience is None and not self._answering():
                # Something came between two requests that began none: empty lines, which are to be skipped.
                self._expect_head()
            if self._arrived > LARGEST_HEAD:
                self._refuse(b"431 Request Header Fields Too Large")
                return

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio looks at it
        """The client sends no more. Answers that are under way are written before the connection ends.

        Over TLS the connection ends with it: the transport keeps none half open.
        """
        self._head_done()
        if not self._answering() or self.scheme == "https":
            return False
        if self.cycle.more_body:
            self._refuse(b"400 Bad Request")
        self.cycle.keep_alive = False
        return self._answering()

    def _parse(self, data: bytes) -> None:
        """Feed the parser. Raises HttpParserError."""
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as paused:
                if self._deaf:
                    return
                # The parser ended the request at its head, and would take the body for another protocol.
                data = data[paused.args[0] :]
                self._ignore_upgrade()

    def _ignore_upgrade(self) -> None:
        """Parse the head again without its Upgrade, which a server may ignore (RFC 9110, 7.8)."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        url, headers = self.url, self.headers
        lines = [b"%b %b HTTP/%b" % (method, url, version)]
        lines += [b"%b: %b" % header for header in headers if header[0] != b"upgrade"]
        self._upgrading = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(b"\r\n".join([*lines, b"", b""]))
        # It was sent, and may be signed.
        self.headers += [header for header in headers if header[0] == b"upgrade"]

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MOST_PIPELINED and not self._deaf:
            # Those that wait are answered, and then the connection ends: a client must be ready for that (RFC 9112).
            self._head_done()
            self._deaf = True
            self.cycle.keep_alive = False
        if self._deaf:
            return
        super().on_message_begin()
        self._trailers = -1
        self._head = self._headers = 0
        if self._patience is None:
            self._expect_head()

    def on_url(self, url: bytes) -> None:
        if not self._deaf and self._count(len(url)):
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._deaf:
            return
        if self._trailers < 0:
            self._headers += 1
            if self._headers <= MOST_HEADERS and self._count(len(name) + len(value) + len(": \r\n")):
                super().on_header(name, value)
            else:
                self._refuse(b"431 Request Header Fields Too Large")
            return
        # Trailers of a chunked body are nobody's headers.
        self._told()
        self._trailers += len(name) + len(value)
        if self._trailers > LARGEST_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        if self._deaf:
            return
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                self._refuse(b"400 Bad Request")
            self._upgrading = True
            return
        self._head_done()
        self._trailers = 0
        self._told()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._deaf:
            self._told()
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._deaf and not self._upgrading:
            self._told()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None and not self.transport.is_closing():
            self._room.idle[self] = None
        self._expect_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reading()

    def _answering(self) -> bool:
        """Whether a request is under way."""
        return self.cycle is not None and not self.cycle.response_complete

    def _told(self) -> None:
        """The parser told of what came. While a head is awaited, as after an early answer, all that comes counts."""
        if self._patience is None:
            self._arrived = 0

    def _count(self, size: int) -> bool:
        """Count bytes of a head. False, and the request is refused, when they are too many."""
        self._head += size
        if self._head > LARGEST_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")
        return self._head <= LARGEST_HEAD

    def _expect_head(self) -> None:
        self._arrived = 0
        self._patience = self.loop.call_later(HEAD_PATIENCE, self._refuse, b"408 Request Timeout")

    def _head_done(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _expect_reading(self) -> None:
        """Give the client a time to read what has been written, if it has not."""
        if self._unread is None and self.transport.get_write_buffer_size() > 0:
            self._unread = self.loop.call_later(ANSWER_PATIENCE, self._give_up, self.transport.get_write_buffer_size())

    def _give_up(self, before: int) -> None:
        self._unread = None
        if self.transport.get_write_buffer_size() > before // 2:
            self.transport.abort()
        else:
            self._expect_reading()

    def _refuse(self, status: bytes, body: bytes = b"") -> None:
        """Answer with a status, and hang up after a moment: at once might reset what the client has not read."""
        self._head_done()
        if self._deaf or self.transport.is_closing():
            return
        self._deaf = True
        if self._answering() and not self._is_turn(status):
            return
        head = b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
        self.transport.write(head + body)
        self._expect_reading()
        self.loop.call_later(REFUSED_PATIENCE, self.transport.close)

    def _is_turn(self, status: bytes) -> bool:
        """Whether a refusal can be written although a request is under way: nothing may overtake earlier answers."""
        cycle = self.cycle
        if not cycle.more_body or cycle.response_started:
            # It is a later request that is refused; or this one is being answered already.
            cycle.keep_alive = False
            return False
        if self.pipeline:
            self.pipeline[0] = (cycle, partial(_refusal, int(status[:3])))
            return False
        # Its head was fine and the rest is not: whoever waits for the body learns that it will not come.
        cycle.disconnected = cycle.response_complete = True
        cycle.message_event.set()
        return True


async def _refusal(status: int, _scope: Any, _receive: Any, send: Any) -> None:
    """The application that answers a request with a bare status when its turn has come."""
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


class DroppableProtocol(BoundedProtocol):
    """The same, where the application may hang up on a client: it calls ``scope["extensions"][DROP]``."""

    def on_headers_complete(self) -> None:
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not None and self.cycle is not before:
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


class SecureServer(Server):
    """The same over TLS, with the context that it is given for each handshake."""

    def __init__(self, config: uvicorn.Config, context: Callable[[], ssl.SSLContext]) -> None:
        super().__init__(config)
        self._context = context

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        made: Any = self.config.http_protocol_class
        protocol = partial(made, config=self.config, server_state=self.server_state, app_state={})
        doors: Any = [Door(each, protocol, self._context) for each in sockets or []]
        self.servers = doors
        self.started = True


def server_for(
    application: Callable[..., Awaitable[None]],
    connections: int,
    *,
    droppable: bool = False,
    context: Callable[[], ssl.SSLContext] | None = None,
) -> Server:
    """A server of an ASGI application, with so many connections at once; over TLS where there is a ``context`` for it.

    One that is ``droppable`` may hang up on clients without an answer.
    """
    protocol: Any = partial(DroppableProtocol if droppable else BoundedProtocol, room=Room(connections))
    config = uvicorn.Config(
        application,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=10,
        backlog=BACKLOG,
    )
    return Server(config) if context is None else SecureServer(config, context)
