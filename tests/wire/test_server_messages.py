"""Where a request ends: endless lines inside a body, upgrades that are ignored, clients that send no more."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import Any

import pytest

from gatewright.wire import server as server_module
from gatewright.wire.server import LARGEST_HEAD
from tests.wire.test_server import play
from tests.wire.test_server_bounds import GET, OK, POST, exchange, hang_up, whole

CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
#: As Java's HttpClient asks on a cleartext connection, with each request until one is answered.
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA\r\n"
LAST = GET[:-2] + b"connection: close\r\n\r\n"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "REFUSED_PATIENCE", 0.05)


@pytest.mark.parametrize("begun", [b"0\r\nX: a", b"0\r\nx", b"1;x=", b"1;x", b"0" * 10])
@pytest.mark.parametrize("segment", [1000, 4 * 1024 * 1024])
def test_a_line_inside_a_chunked_body_has_an_end(begun: bytes, segment: int) -> None:
    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = asyncio.create_task(reader.readuntil(b"\r\n"))
        writer.write(CHUNKED + begun)
        sent = 0
        started = time.monotonic()
        # More than a segment's worth is sent only to a server that does not refuse.
        while not answer.done() and sent < 16 * 1024 * 1024:
            writer.write((b"0" if begun.isdigit() else b"a") * segment)
            sent += segment
            try:
                await writer.drain()
            except ConnectionError:
                break
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            assert (await answer).startswith(b"HTTP/1.1 431 ")
        assert sent <= max(segment, 4 * 1024 * 1024)
        assert (await exchange(port, LAST)).startswith(OK)
        assert time.monotonic() - started < 5
        await hang_up(writer)

    play(scene, whole)


def test_trailers_that_end_late_are_refused_by_their_first_bytes() -> None:
    protocols: list[Any] = []

    class Watched(server_module.BoundedProtocol):
        gathered = 0

        def connection_made(self, transport: Any) -> None:
            protocols.append(self)
            super().connection_made(transport)

        def _parse(self, data: bytes) -> None:
            self.gathered += len(data)
            super()._parse(data)

    async def scene(port: int) -> None:
        answer = await exchange(port, CHUNKED + b"0\r\nx: " + b"a" * 220_000)
        assert answer.startswith(b"HTTP/1.1 431 ")
        # What the parser was given is bounded, however much one segment has.
        assert LARGEST_HEAD < protocols[-1].gathered <= 3 * LARGEST_HEAD

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_module, "BoundedProtocol", Watched)
        play(scene, whole)


@pytest.mark.parametrize("size", [1, 70_000, 1_000_000])
def test_a_chunked_body_may_be_as_long_as_it_likes(size: int) -> None:
    async def scene(port: int) -> None:
        number = max(3, 200_000 // size)
        chunks = (b"%x\r\n%b\r\n" % (size, b"a" * size)) * number
        answer = await exchange(port, CHUNKED + chunks + b"0\r\nt: x\r\n\r\n" + LAST)
        assert answer.count(OK) == 2
        assert b"%d" % (size * number) in answer

    play(scene, whole)


@pytest.mark.parametrize("upgrade", [UPGRADE, b"Upgrade: websocket\r\nconnection: upgrade\r\n"])
@pytest.mark.parametrize("body", [b"content-length: 30\r\n\r\n" + LAST[:30], b"content-length: 0\r\n\r\n", b"\r\n"])
@pytest.mark.parametrize("cut", [0, 1, 35])
def test_an_upgrade_is_ignored(upgrade: bytes, body: bytes, cut: int, caplog: pytest.LogCaptureFixture) -> None:
    heads: list[dict[bytes, bytes]] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        heads.append(dict(scope["headers"]))
        await whole(scope, receive, send)

    async def scene(port: int) -> None:
        sent = (POST + upgrade + body) * 2 + LAST
        pieces = [sent] if not cut else [sent[at : at + cut] for at in range(0, len(sent), cut)]
        answer = await exchange(port, *pieces)
        # The body is the request's, and no request of its own.
        assert answer.count(b"HTTP/1.1 ") == answer.count(OK) == 3
        assert answer.count(b"\r\n\r\n30") == (2 if b"30" in body else 0)
        # What was sent is told, once: it may be signed.
        assert [len(each) for each in heads] == [len(heads[0]), len(heads[0]), 2]
        assert heads[0][b"upgrade"] in (b"h2c", b"websocket")

    play(scene, noting)
    assert caplog.text == ""


def test_an_upgrade_with_a_chunked_body_is_ignored() -> None:
    async def scene(port: int) -> None:
        answer = await exchange(
            port, POST + UPGRADE + b"transfer-encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n" + LAST
        )
        assert answer.count(b"HTTP/1.1 ") == answer.count(OK) == 2
        assert b"\r\n\r\n5HTTP/1.1 200 " in answer

    play(scene, whole)


def test_nothing_is_tunnelled() -> None:
    async def scene(port: int) -> None:
        answer = await exchange(port, b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n" + GET)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1 ") == 1

    play(scene, whole)


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (GET, [OK]),
        (POST + b"content-length: 3\r\n\r\nabc", [OK]),
        (GET + GET, [OK, OK]),
        # The beginning of a next request is none.
        (GET + b"GET /", [OK]),
        (b"GET /", []),
        (b"", []),
        # A body that will not come.
        (POST + b"content-length: 4\r\n\r\nabc", [b"HTTP/1.1 400 "]),
        (GET + POST + b"content-length: 4\r\n\r\nabc", [OK, b"HTTP/1.1 400 "]),
    ],
)
def test_who_sends_no_more_is_answered(sent: bytes, answered: list[bytes]) -> None:
    ended = asyncio.Event()

    class Noting(server_module.BoundedProtocol):
        def eof_received(self) -> Any:
            ended.set()
            return super().eof_received()

    async def late(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "GET" and b"POST" not in sent and sent.count(GET) == 1:
            async with asyncio.timeout(5):
                await ended.wait()
        await whole(scope, receive, send)

    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.count(b"HTTP/1.1 ") == len(answered)
        for status in answered:
            at = answer.index(status)
            answer = answer[at + 1 :]
        await hang_up(writer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_module, "BoundedProtocol", Noting)
        play(scene, late)


def test_an_idle_connection_ends_with_its_client() -> None:
    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\n0")).startswith(OK)
        writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        await hang_up(writer)

    play(scene, whole)


def test_what_is_no_http_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(port: int) -> None:
        assert (await exchange(port, b"\x16\x03\x01 no HTTP\r\n\r\n")).startswith(b"HTTP/1.1 400 ")

    with caplog.at_level(logging.INFO):
        play(scene, whole)
    assert not [record for record in caplog.records if "HTTP" in record.getMessage()]
