"""The link over a Unix socket, for an agent in a process of its own on the control plane's machine.

The kernel says who is at the other end: the server answers root and its own user only, and the agent, which is root,
talks to the control plane's user only, whoever put a socket in the place of its. One connection carries one
request at a time; an agent has three, so that no report waits behind a long poll, and no word of a tunnel behind a
report.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from gatewright.link.answering import answer
from gatewright.link.contract import HostChanges, HostUnknown, LinkDown, Secrets, ServedAuthority
from gatewright.link.frames import (
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
    agent_decoder,
    control_decoder,
    expected,
    read_frame,
    write_frame,
)
from gatewright.resources.specs import SCHEMA_VERSION, Observation
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import TunnelLine, TunnelState
from gatewright.resources.tunnels import SecretRef

_log = logging.getLogger(__name__)
_CREDENTIALS = struct.Struct("3i")


def peer_uid(connection: socket.socket) -> int:
    """The user at the other end of a Unix socket, as the kernel knows it."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(raw)[1]
    return uid


class UnixLinkServer:
    """Serves one host's agent."""

    def __init__(self, authority: ServedAuthority, host_id: str, path: Path) -> None:
        self._authority = authority
        self._host_id = host_id
        self._path = path
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. A socket that an earlier process left behind is replaced."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(str(self._path))
        finally:
            os.umask(before)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener)

    async def close(self) -> None:
        """Stop listening and drop the connections."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            uid = peer_uid(writer.get_extra_info("socket"))
            if uid not in (0, os.geteuid()):
                _log.warning("refused user %d at the agent's socket", uid)
                return
            while True:
                request = await read_frame(reader, agent_decoder)
                await write_frame(writer, await answer(self._authority, self._host_id, request))
        except (EOFError, ConnectionError):
            return
        except HostUnknown as error:
            _log.error("the host %s is not in the database", error)
        except ValueError as error:
            _log.warning("what came through the agent's socket is no message: %s", error)
        except asyncio.CancelledError:
            return
        finally:
            writer.close()


class UnixLink:
    """An agent's side of the socket. ``user`` is whom the control plane runs as."""

    def __init__(self, path: Path, user: int) -> None:
        self._polls = _Connection(path, user)
        self._reports = _Connection(path, user)
        self._tunnels = _Connection(path, user)
        self._secrets = _Connection(path, user)

    async def changes(self, since: int, wait: float) -> HostChanges:
        reply = await self._polls.ask(ChangesRequest(since, wait, SCHEMA_VERSION), patience=wait + 30)
        return expected(reply, ChangesAnswer).changes

    async def report(self, observations: Sequence[Observation]) -> None:
        reply = await self._reports.ask(ReportRequest(tuple(observations), SCHEMA_VERSION), patience=60)
        expected(reply, ReportAnswer)

    async def traffic(self, counts: Sequence[Count]) -> float:
        reply = await self._reports.ask(TrafficRequest(tuple(counts), SCHEMA_VERSION), patience=60)
        return expected(reply, TrafficAnswer).again

    async def tunnels(self, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        request = TunnelsRequest(tuple(states), tuple(lines), SCHEMA_VERSION)
        expected(await self._tunnels.ask(request, patience=60), TunnelsAnswer)

    async def secrets(self, references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        reply = await self._secrets.ask(SecretsRequest(tuple(references), SCHEMA_VERSION), patience=30)
        return Secrets(expected(reply, SecretsAnswer).secrets)

    async def close(self) -> None:
        """Hang up."""
        self._polls.close()
        self._reports.close()
        self._tunnels.close()
        self._secrets.close()


class _Connection:
    """One connection, made when it is needed and again after it broke."""

    def __init__(self, path: Path, user: int) -> None:
        self._path = path
        self._user = user
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def ask(self, request: AgentMessage, patience: float) -> ControlMessage:
        """Send a request and wait up to ``patience`` seconds for its answer. Raises LinkDown."""
        async with self._turn:
            try:
                async with asyncio.timeout(patience):
                    reader, writer = self._streams or await self._connect()
                    await write_frame(writer, request)
                    return await read_frame(reader, control_decoder)
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                self.close()
                raise LinkDown(f"{type(error).__name__}: {error}") from error
            except asyncio.CancelledError:
                # A half-read answer must not be taken for the next one's.
                self.close()
                raise

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        streams = await asyncio.open_unix_connection(str(self._path))
        uid = peer_uid(streams[1].get_extra_info("socket"))
        if uid != self._user:
            streams[1].close()
            raise ConnectionRefusedError(
                f"user {uid} listens on {self._path}, and the control plane is user {self._user}: "
                "nothing is told to it and nothing taken from it; remove that socket and find out who made it"
            )
        self._streams = streams
        return streams

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
