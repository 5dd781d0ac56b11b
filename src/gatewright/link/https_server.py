"""The link over HTTPS, for agents on other hosts: the control plane's side.

HTTP/1.1 over TLS 1.3, a MessagePack document each way. Which host an agent speaks for follows from its certificate
alone, and is looked up at once, at every request, when its body has come, and again before the answer: one that was
revoked gets nothing any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter

import h11
import msgspec

from gatewright.errors import ApiError
from gatewright.link.answering import answer
from gatewright.link.contract import HostAuthority, HostUnknown
from gatewright.link.frames import (
    LARGEST,
    AgentMessage,
    ChangesRequest,
    ControlMessage,
    Failure,
    ReportRequest,
    SecretsRequest,
    TrafficRequest,
    TunnelsRequest,
    agent_decoder,
)
from gatewright.secrets.fingerprints import fingerprint

_log = logging.getLogger(__name__)
#: What is asked where.
PATHS: dict[bytes, type[AgentMessage]] = {
    b"/link/v1/changes": ChangesRequest,
    b"/link/v1/report": ReportRequest,
    b"/link/v1/traffic": TrafficRequest,
    b"/link/v1/tunnels": TunnelsRequest,
    b"/link/v1/secrets": SecretsRequest,
}
CONTENT_TYPE = b"application/msgpack"
#: Bytes of a request's line and headers.
LARGEST_HEAD = 16 * 1024
#: Seconds for a handshake, for an idle connection, and for a request that has begun.
HANDSHAKE_PATIENCE = 10.0
IDLE_PATIENCE = 120.0
REQUEST_PATIENCE = 30.0
#: Connections of all hosts together, of one certificate, and of those that have shown no host's certificate yet.
MOST_CONNECTIONS = 512
MOST_OF_A_HOST = 8
MOST_NEWCOMERS = 64
#: How long one that is refused has to read why, seconds.
FAREWELL = 1.0
#: How long to wait when nothing can be accepted, seconds.
_ACCEPT_AGAIN = 0.5
#: Connections that wait in the kernel to be accepted.
BACKLOG = 1024
_READ = 64 * 1024

REVOKED = "this certificate is none of a host of this installation, or not any more: `gatewright hosts list` has them"


class _Refused(Exception):
    """A request that is not served; the connection ends with it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class HttpsLinkServer:
    """Serves the agents of hosts with certificates.

    A connection is a newcomer until it has shown the certificate of a host; newcomers are few, and when one too many
    comes the oldest one goes. Hosts' connections are counted apart, so that no stranger takes their place.
    """

    def __init__(self, authority: HostAuthority, listener: socket.socket, context: ssl.SSLContext) -> None:
        """``context`` must demand certificates (:func:`server_context`)."""
        if context.verify_mode is not ssl.CERT_REQUIRED:
            raise ValueError("without certificates nobody knows whose agent calls")
        self._authority = authority
        self._listener = listener
        self._context = context
        self._accepting: asyncio.Task[None] | None = None
        #: In the order that they came in.
        self._newcomers: dict[asyncio.Task[None], None] = {}
        self._of_hosts: set[asyncio.Task[None]] = set()
        self._by_certificate: Counter[str] = Counter()

    async def start(self) -> asyncio.Task[None]:
        """Serve at the socket that was given. Returns what goes on until :meth:`close`."""
        self._listener.setblocking(False)
        self._listener.listen(BACKLOG)
        self._accepting = asyncio.create_task(self._accept_for_ever())
        return self._accepting

    async def close(self) -> None:
        """Stop listening and drop the connections."""
        tasks = [*self._newcomers, *self._of_hosts]
        if self._accepting is not None:
            tasks.append(self._accepting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listener.close()

    async def _accept_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(self._listener)
            except OSError as error:
                # no file is free, or the caller has gone
                _log.warning("a connection of an agent could not be accepted: %s", error.strerror or error)
                await asyncio.sleep(_ACCEPT_AGAIN)
                continue
            if len(self._newcomers) >= MOST_NEWCOMERS:
                oldest = next(iter(self._newcomers))
                del self._newcomers[oldest]
                oldest.cancel()
                # it lets go of its files before another one takes some
                await asyncio.wait((oldest,), timeout=FAREWELL)
            task = asyncio.create_task(self._serve(accepted))
            self._newcomers[task] = None
            task.add_done_callback(lambda ended: self._newcomers.pop(ended, None))
            task.add_done_callback(self._of_hosts.discard)

    async def _serve(self, accepted: socket.socket) -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if task is None:
            raise RuntimeError("connections are served in tasks")
        writer: asyncio.StreamWriter | None = None
        try:
            reader = asyncio.StreamReader(loop=loop)
            protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_PATIENCE,
                ssl_shutdown_timeout=FAREWELL,
            )
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            certificate = fingerprint(writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b"")
            conversation = _Conversation(self._authority, certificate, reader, writer)
            async with asyncio.timeout(HANDSHAKE_PATIENCE):
                refusal = await self._refusal(certificate)
                if refusal is not None:
                    await conversation.refuse(*refusal)
                    return
            # Nothing was waited for since it was looked at: there is room.
            self._newcomers.pop(task, None)
            self._of_hosts.add(task)
            self._by_certificate[certificate] += 1
            try:
                await conversation.run()
            finally:
                self._by_certificate[certificate] -= 1
                if not self._by_certificate[certificate]:
                    del self._by_certificate[certificate]
        except (OSError, EOFError, TimeoutError, h11.RemoteProtocolError) as error:
            _log.debug("a connection of an agent ended: %r", error)
        except asyncio.CancelledError:
            return
        finally:
            if writer is None:
                accepted.close()
            elif task in self._of_hosts:
                writer.close()
            else:
                # a stranger's word is not waited for
                writer.transport.abort()

    async def _refusal(self, certificate: str) -> tuple[int, str] | None:
        """Why a newcomer with this certificate is not served: status and words; None if it is."""
        try:
            host_id = await self._authority.host_of(certificate)
        except ApiError as error:
            return 503, str(error)
        if host_id is None:
            return 403, REVOKED
        if self._by_certificate[certificate] >= MOST_OF_A_HOST:
            return 503, f"the host {host_id} has {MOST_OF_A_HOST} connections already: does another agent run?"
        if len(self._of_hosts) >= MOST_CONNECTIONS:
            return 503, f"the control plane has {MOST_CONNECTIONS} connections of hosts already, and takes no more"
        return None


class _Conversation:
    """The requests of one connection, one after the other."""

    def __init__(
        self, authority: HostAuthority, certificate: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._authority = authority
        self._certificate = certificate
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)

    async def refuse(self, status: int, reason: str) -> None:
        """Say so, whatever was to be asked, and end.

        What the other side sends meanwhile is thrown away: unread it would take the answer with it (RST).
        """
        await self._send(status, Failure(reason), last=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                while await self._reader.read(_READ):
                    pass

    async def run(self) -> None:
        """Serve a host until it, or the time, ends the connection."""
        while True:
            try:
                host_id, request = await self._request()
                message = await answer(self._authority, host_id, request)
                # It may have been revoked while the poll waited.
                if await self._host() != host_id:
                    raise HostUnknown(host_id)
            except _Refused as refused:
                await self._send(refused.status, Failure(str(refused)), last=True)
                return
            except HostUnknown:
                await self._send(403, Failure(REVOKED), last=True)
                return
            except ApiError as error:
                message = Failure(str(error))
            await self._send(503 if isinstance(message, Failure) else 200, message)
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _host(self) -> str:
        """Whose agent this is. Raises HostUnknown."""
        host_id = await self._authority.host_of(self._certificate)
        if host_id is None:
            raise HostUnknown(self._certificate)
        return host_id

    async def _request(self) -> tuple[str, AgentMessage]:
        """The next request and whose it is. Raises EOFError, _Refused, HostUnknown, TimeoutError."""
        async with asyncio.timeout(IDLE_PATIENCE):
            head = await self._event()
        if not isinstance(head, h11.Request):
            raise EOFError("no request")
        # Before its body is read: a stranger gets nothing from us, and we nothing from them.
        host_id = await self._host()
        kind = PATHS.get(head.target)
        if kind is None:
            raise _Refused(404, "there is no such part of the link")
        if head.method != b"POST":
            raise _Refused(405, "the link takes POST only")
        async with asyncio.timeout(REQUEST_PATIENCE):
            body = await self._body()
        # It may have been revoked while its body came, slowly: nothing of it counts then.
        if await self._host() != host_id:
            raise HostUnknown(host_id)
        try:
            request = agent_decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise _Refused(400, f"this is no message of an agent: {error}") from error
        if not isinstance(request, kind):
            raise _Refused(400, "this message belongs to another part of the link")
        return host_id, request

    async def _body(self) -> bytes:
        body = bytearray()
        while True:
            event = await self._event()
            if isinstance(event, h11.EndOfMessage):
                return bytes(body)
            if not isinstance(event, h11.Data):
                raise EOFError("no whole request")
            body += event.data
            if len(body) > LARGEST:
                raise _Refused(413, f"a message has {LARGEST} bytes at the most")

    async def _event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self._http.they_are_waiting_for_100_continue:
                raise _Refused(417, "the link does not know Expect")
            self._http.receive_data(await self._reader.read(_READ))

    async def _send(self, status: int, message: ControlMessage, *, last: bool = False) -> None:
        body = msgspec.msgpack.encode(message)
        headers = [(b"content-type", CONTENT_TYPE), (b"content-length", b"%d" % len(body))]
        if last:
            headers.append((b"connection", b"close"))
        parts = (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage())
        self._writer.write(b"".join(self._http.send(part) or b"" for part in parts))
        async with asyncio.timeout(REQUEST_PATIENCE):
            await self._writer.drain()


def server_context(authority: str) -> ssl.SSLContext:
    """TLS 1.3, for clients with a certificate of the authority's (PEM). Its own certificate is loaded by the caller."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=authority)
    # A resumed session would skip the certificate.
    context.num_tickets = 0
    return context
