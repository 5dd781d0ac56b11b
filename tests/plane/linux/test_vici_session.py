"""A VICI connection on the event loop, against a daemon that is not always a good one."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from vici.protocol import Message, Packet

from gatewright.plane.linux.vici_session import ViciRefusal, ViciSession

Answering = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


def packet(kind: int, message: Mapping[str, Any] | None = None, event: str = "") -> bytes:
    name = struct.pack("!B", len(event)) + event.encode() if event else b""
    body = struct.pack("!B", kind) + name + Message.serialize(dict(message or {}))
    framed: bytes = struct.pack("!I", len(body)) + body
    return framed


@asynccontextmanager
async def daemon(path: Path, answer: Answering) -> AsyncIterator[tuple[ViciSession, list[tuple[str, bytes]]]]:
    """A session with a daemon that answers each packet so, and what it has told."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = struct.unpack("!I", await reader.readexactly(4))
                await answer(await reader.readexactly(length), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    heard: list[tuple[str, bytes]] = []
    server = await asyncio.start_unix_server(serve, path)
    async with server:
        session = await ViciSession.connect(path, lambda event, message: heard.append((event, message["n"])))
        async with session:
            yield session, heard


def run(
    path: Path, answer: Answering, scenario: Callable[[ViciSession, list[tuple[str, bytes]]], Awaitable[None]]
) -> None:
    async def main() -> None:
        async with asyncio.timeout(10), daemon(path / "vici", answer) as (session, heard):
            await scenario(session, heard)

    asyncio.run(main())


def test_commands_events_and_listings(tmp_path: Path) -> None:
    async def answer(asked: bytes, writer: asyncio.StreamWriter) -> None:
        kind, name = asked[0], asked[2 : 2 + asked[1]].decode()
        if kind in (Packet.EVENT_REGISTER, Packet.EVENT_UNREGISTER):
            writer.write(packet(Packet.EVENT_UNKNOWN if name == "nothing" else Packet.EVENT_CONFIRM))
        elif name == "list":
            # among those that were asked for comes another
            for event, number in (("item", "1"), ("log", "2"), ("item", "3")):
                writer.write(packet(Packet.EVENT, {"n": number}, event))
            writer.write(packet(Packet.CMD_RESPONSE))
        elif name == "unknown":
            writer.write(packet(Packet.CMD_UNKNOWN))
        else:
            writer.write(packet(Packet.CMD_RESPONSE, {"success": "no", "errmsg": "not today"}))

    async def scenario(session: ViciSession, heard: list[tuple[str, bytes]]) -> None:
        assert session.peer == os.getpid()
        await session.subscribe(["log"])
        listed = await session.listing("list", "item")
        assert [one["n"] for one in listed] == [b"1", b"3"]
        assert heard == [("log", b"2")]
        with pytest.raises(ViciRefusal, match="initiate: not today"):
            await session.command("initiate", {"child": "x"})
        with pytest.raises(ViciRefusal, match="unknown"):
            await session.command("unknown")
        with pytest.raises(ViciRefusal, match="nothing"):
            await session.subscribe(["nothing"])

    run(tmp_path, answer, scenario)


def test_no_answer_is_waited_for_no_longer_and_none_is_taken_for_another(tmp_path: Path) -> None:
    async def answer(_: bytes, __: asyncio.StreamWriter) -> None:
        pass

    async def scenario(session: ViciSession, _: list[tuple[str, bytes]]) -> None:
        with pytest.raises(TimeoutError):
            await session.command("version", seconds=0.05)
        with pytest.raises(ConnectionResetError):
            await session.command("version", seconds=0.05)
        await asyncio.wait_for(session.ended, 5)

    run(tmp_path, answer, scenario)


@pytest.mark.parametrize("nonsense", [b"", b"\xff\xff\xff\xff", b"\0\0\0\x04\x01\x01\x01a", b"\0\0\0\x01"])
def test_a_daemon_that_ends_or_talks_nonsense_is_an_error(tmp_path: Path, nonsense: bytes) -> None:
    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(nonsense)
        writer.close()

    async def scenario(session: ViciSession, _: list[tuple[str, bytes]]) -> None:
        with pytest.raises(ConnectionResetError):
            await session.command("version")
        await asyncio.wait_for(session.ended, 5)

    run(tmp_path, answer, scenario)
