"""A connection to a charon's VICI socket on the event loop: commands with time-outs, and what charon tells.

:mod:`~gatewright.plane.linux.vici_client` is its counterpart for threads. The wire's encoding is the package's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vici.exception import DeserializationException
from vici.protocol import FiniteStream, Message, Packet

#: Bytes of one message: libcharon/plugins/vici.
_LONGEST = 512 * 1024
_LENGTH = struct.Struct("!I")
#: How long a command may take that waits for nobody but charon, seconds.
PATIENCE = 5.0

Heard = Callable[[str, Mapping[str, Any]], None]


class ViciRefusal(Exception):
    """charon refused a command. The text is charon's, with the command."""


class ViciSession:
    """Everything raises OSError when the connection is broken or an answer takes too long."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        self._reader = reader
        self._writer = writer
        self._heard = heard
        self._one_at_a_time = asyncio.Lock()
        self._answer: asyncio.Future[tuple[int, Any]] | None = None
        self._listed: tuple[str, list[Mapping[str, Any]]] | None = None
        #: Events that listings come as: charon sends them to who asks for a listing, and to nobody else.
        self._streamed: set[str] = set()
        #: Done when the connection has ended, whoever ended it.
        self.ended: asyncio.Task[None] = asyncio.ensure_future(self._read())

    @classmethod
    async def connect(cls, path: Path, heard: Heard) -> Self:
        """``heard`` is called on the loop with each event that was subscribed to, and its message."""
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(path, limit=_LONGEST)
        return cls(reader, writer, heard)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._writer.close()
        self.ended.cancel()
        await asyncio.gather(self.ended, return_exceptions=True)

    @property
    def peer(self) -> int:
        """The number of the process that listens."""
        connected: socket.socket = self._writer.get_extra_info("socket")
        credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", credentials)[0]
        return pid

    async def subscribe(self, events: Iterable[str]) -> None:
        for event in events:
            await self._register(event)

    async def command(
        self, name: str, message: Mapping[str, Any] | None = None, seconds: float = PATIENCE
    ) -> Mapping[str, Any]:
        """What charon answers. Raises ViciRefusal if that is not success."""
        async with self._one_at_a_time:
            kind, answer = await self._ask(Packet.request(name, Message.serialize(dict(message or {}))), seconds)
        if kind != Packet.CMD_RESPONSE:
            raise ViciRefusal(f"{name}: this charon does not know the command")
        if answer.get("success", b"yes") != b"yes":
            raise ViciRefusal(f"{name}: {_text(answer.get('errmsg', b'refused'))}")
        found: Mapping[str, Any] = answer
        return found

    async def listing(self, name: str, event: str, message: Mapping[str, Any] | None = None) -> list[Mapping[str, Any]]:
        """What a command streams as events before its answer."""
        async with self._one_at_a_time:
            if event not in self._streamed:
                await self._ask(Packet.register_event(event), PATIENCE)
                self._streamed.add(event)
            found: list[Mapping[str, Any]] = []
            self._listed = event, found
            try:
                await self._ask(Packet.request(name, Message.serialize(dict(message or {}))), PATIENCE)
            finally:
                self._listed = None
            return found

    async def _register(self, event: str) -> None:
        async with self._one_at_a_time:
            kind, _ = await self._ask(Packet.register_event(event), PATIENCE)
        if kind != Packet.EVENT_CONFIRM:
            raise ViciRefusal(f"this charon does not know the event {event}")

    async def _ask(self, packet: bytes, seconds: float) -> tuple[int, Any]:
        if self.ended.done():
            raise ConnectionResetError("charon has closed its VICI socket")
        self._answer = asyncio.get_running_loop().create_future()
        self._writer.write(_LENGTH.pack(len(packet)) + packet)
        try:
            async with asyncio.timeout(seconds):
                return await self._answer
        except BaseException:
            # the answer that comes yet would be taken for another's
            self._writer.close()
            raise
        finally:
            self._answer = None

    async def _read(self) -> None:
        try:
            while True:
                (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
                if length > _LONGEST:
                    break
                self._take(await self._reader.readexactly(length))
        except (OSError, asyncio.IncompleteReadError, DeserializationException, UnicodeDecodeError, struct.error):
            pass
        finally:
            self._writer.close()
            if self._answer is not None and not self._answer.done():
                with contextlib.suppress(asyncio.InvalidStateError):
                    self._answer.set_exception(ConnectionResetError("charon has closed its VICI socket"))

    def _take(self, data: bytes) -> None:
        packet = Packet.parse(data)
        message = Message.deserialize(FiniteStream(packet.payload.read()))
        if packet.response_type == Packet.EVENT:
            event = packet.event_type.decode()
            if self._listed is not None and event == self._listed[0]:
                self._listed[1].append(message)
            else:
                self._heard(event, message)
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result((packet.response_type, message))


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
