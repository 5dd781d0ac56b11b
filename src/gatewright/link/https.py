"""The link over HTTPS, for an agent on a host of its own: the agent's side. See :mod:`gatewright.link.https_server`."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import h11
import msgspec

from gatewright.errors import ConfigurationError
from gatewright.link.contract import HostChanges, LinkDown, Secrets
from gatewright.link.frames import (
    LARGEST,
    AgentMessage,
    ChangesAnswer,
    ChangesRequest,
    ControlMessage,
    ReportAnswer,
    ReportRequest,
    SecretsAnswer,
    SecretsRequest,
    TrafficAnswer,
    TrafficRequest,
    TunnelsAnswer,
    TunnelsRequest,
    control_decoder,
    expected,
)
from gatewright.resources.specs import SCHEMA_VERSION, Observation
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import TunnelLine, TunnelState
from gatewright.resources.tunnels import SecretRef

_READ = 64 * 1024
_CONNECT_PATIENCE = 15.0
#: How long an answer may take beside what a poll waits by itself, seconds.
_PATIENCE = 30.0


class HttpsLink:
    """Three connections: no report waits behind a long poll, and no word of a tunnel behind a report."""

    def __init__(self, url: str, context: ssl.SSLContext, version: int = SCHEMA_VERSION) -> None:
        """``url`` is ``https://HOST:PORT``. Raises ConfigurationError."""
        host, port = _address(url)
        self._version = version
        self._polls = _Connection(host, port, context)
        self._reports = _Connection(host, port, context)
        self._tunnels = _Connection(host, port, context)

    async def changes(self, since: int, wait: float) -> HostChanges:
        request = ChangesRequest(since, wait, self._version)
        reply = await self._polls.ask("/link/v1/changes", request, wait + _PATIENCE)
        return expected(reply, ChangesAnswer).changes

    async def report(self, observations: Sequence[Observation]) -> None:
        request = ReportRequest(tuple(observations), self._version)
        reply = await self._reports.ask("/link/v1/report", request, 2 * _PATIENCE)
        expected(reply, ReportAnswer)

    async def traffic(self, counts: Sequence[Count]) -> float:
        reply = await self._reports.ask("/link/v1/traffic", TrafficRequest(tuple(counts), self._version), patience=60)
        return expected(reply, TrafficAnswer).again

    async def tunnels(self, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        now = time.time_ns() // 1_000_000
        told = tuple(msgspec.structs.replace(state, told_at=now) for state in states)
        request = TunnelsRequest(told, tuple(lines), self._version)
        expected(await self._tunnels.ask("/link/v1/tunnels", request, 2 * _PATIENCE), TunnelsAnswer)

    async def secrets(self, references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        request = SecretsRequest(tuple(references), self._version)
        return Secrets(expected(await self._tunnels.ask("/link/v1/secrets", request, _PATIENCE), SecretsAnswer).secrets)

    async def close(self) -> None:
        """Hang up."""
        self._polls.close()
        self._reports.close()
        self._tunnels.close()


def client_context(authority: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 with this certificate, to nobody but who has one of the authority's. Raises ConfigurationError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    for path in (authority, certificate, key):
        try:
            path.open("rb").close()
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    if key.stat().st_mode & 0o077:
        raise ConfigurationError(f"{key} can be read by others: chmod 600 {key}")
    try:
        context.load_verify_locations(cafile=authority)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{authority} is no certificate authority: {error}") from error
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{certificate} and {key} are no certificate and its key: {error}") from error
    return context


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    rest = parts.path not in ("", "/") or parts.query or parts.username
    if parts.scheme != "https" or not parts.hostname or port is None or rest:
        raise ConfigurationError(f"the control plane's address is {url!r}: write https://HOST:PORT")
    return parts.hostname, port


class _Connection:
    """One connection, made when it is needed and again after it broke."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._host, self._port, self._context = host, port, context
        self._name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._http = h11.Connection(h11.CLIENT)
        self._turn = asyncio.Lock()

    async def ask(self, path: str, request: AgentMessage, patience: float) -> ControlMessage:
        """Send a request and wait up to ``patience`` seconds for its answer. Raises LinkDown."""
        async with self._turn:
            try:
                async with asyncio.timeout(patience):
                    reader, writer = self._living() or await self._connect()
                    writer.write(self._encode(path, request))
                    await writer.drain()
                    reply = await self._receive(reader)
            except (OSError, EOFError, TimeoutError, h11.ProtocolError, msgspec.MsgspecError) as error:
                self.close()
                raise LinkDown(self._trouble(error)) from error
            except asyncio.CancelledError:
                # A half-read answer must not be taken for the next one's.
                self.close()
                raise
            if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                self._http.start_next_cycle()
            else:
                self.close()
            return reply

    def _living(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The connection, unless the other side has ended it: it keeps no idle one for long."""
        if self._streams is not None and (self._streams[0].at_eof() or self._streams[1].is_closing()):
            self.close()
        return self._streams

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(_CONNECT_PATIENCE):
            self._streams = await asyncio.open_connection(
                self._host, self._port, ssl=self._context, server_hostname=self._host
            )
        self._http = h11.Connection(h11.CLIENT)
        return self._streams

    def _encode(self, path: str, request: AgentMessage) -> bytes:
        body = msgspec.msgpack.encode(request)
        headers = [("host", self._name), ("content-type", "application/msgpack"), ("content-length", str(len(body)))]
        parts = (h11.Request(method="POST", target=path, headers=headers), h11.Data(data=body), h11.EndOfMessage())
        return b"".join(self._http.send(part) or b"" for part in parts)

    async def _receive(self, reader: asyncio.StreamReader) -> ControlMessage:
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                received = await reader.read(_READ)
                if not received:
                    raise EOFError("the connection ended without a whole answer")
                self._http.receive_data(received)
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > LARGEST:
                    raise EOFError(f"an answer of more than {LARGEST} bytes")
            elif isinstance(event, h11.EndOfMessage):
                return control_decoder.decode(bytes(body))
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError("the connection ended without an answer")

    def _trouble(self, error: Exception) -> str:
        """What went wrong, for people."""
        where = f"https://{self._name}"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"{where} is not this installation's control plane: {error.verify_message}; check address and --ca"
        if isinstance(error, ssl.SSLError):
            return f"{where} does not take this host's certificate, or speaks no TLS 1.3: {error.reason or error}"
        if isinstance(error, TimeoutError):
            return f"{where} does not answer in time"
        return f"{where} cannot be talked to: {type(error).__name__}: {error}"

    def close(self) -> None:
        if self._streams is not None:
            with contextlib.suppress(RuntimeError):  # the loop that it was made in has ended
                self._streams[1].close()
            self._streams = None
