"""What one client may do to the server, to the last byte, header, request and connection; and what comes beyond."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import resource
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatewright.app.processes import room_for
from gatewright.wire import server as server_module
from gatewright.wire.server import LARGEST_HEAD, MOST_HEADERS, MOST_PIPELINED
from tests.support.service import Service
from tests.wire.test_server import play

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\n"
OK = b"HTTP/1.1 200 "


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "REFUSED_PATIENCE", 0.05)


async def exchange(port: int, *pieces: bytes) -> bytes:
    """Send, and read until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    async with asyncio.timeout(10):
        answer = await reader.read()
    await hang_up(writer)
    return answer


async def hang_up(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def whole(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body, and says how many bytes it had."""
    size, more = 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        size += len(event["body"])
        more = event["more_body"]
    content = b"%d" % size
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
    await send({"type": "http.response.body", "body": content})


def head(size: int) -> bytes:
    """A head of which so many bytes count: target, and headers with their separators."""
    start, name, end = b"GET / HTTP/1.0\r\n", b"h", b"\r\n\r\n"
    value = b"a" * (size - len(b"/") - len(name) - len(b": \r\n"))
    return start + name + b": " + value + end


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_head_may_have_its_size_and_no_byte_more(pieces: int) -> None:
    async def scene(port: int) -> None:
        # A little less than the bound when it comes in pieces: then what comes is counted, the first line too.
        size = LARGEST_HEAD if pieces == 1 else LARGEST_HEAD - 100
        for sent, answered in ((head(size), OK), (head(LARGEST_HEAD + 1), b"HTTP/1.1 431 ")):
            step = -(-len(sent) // pieces)
            answer = await exchange(port, *(sent[at : at + step] for at in range(0, len(sent), step)))
            assert answer.startswith(answered)
            assert answer.count(b"HTTP/1.1 ") == 1

    play(scene)


def test_a_head_may_have_its_number_of_headers_and_no_more() -> None:
    async def scene(port: int) -> None:
        for number, answered in ((MOST_HEADERS, OK), (MOST_HEADERS + 1, b"HTTP/1.1 431 ")):
            sent = b"GET / HTTP/1.0\r\n" + b"".join(b"h%d: x\r\n" % each for each in range(number)) + b"\r\n"
            answer = await exchange(port, sent)
            assert answer.startswith(answered)
            assert answer.count(b"HTTP/1.1 ") == 1

    play(scene)


def test_a_query_is_bounded_by_the_head() -> None:
    async def scene(port: int) -> None:
        answer = await exchange(port, b"GET /?a=" + b"b" * LARGEST_HEAD + b" HTTP/1.1\r\nhost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 431 ")

    play(scene)


def test_so_many_requests_may_wait_in_one_connection_and_then_it_ends() -> None:
    async def scene(port: int) -> None:
        kept = GET * (MOST_PIPELINED + 1)
        answer = await exchange(port, kept[:-2] + b"connection: close\r\n\r\n")
        assert answer.count(OK) == MOST_PIPELINED + 1
        # All of them in one packet: one is served, so many wait, and what comes behind is not answered.
        assert (await exchange(port, GET * 2000)).count(b"HTTP/1.1 ") == MOST_PIPELINED + 1

    play(scene)


def test_a_head_that_is_refused_does_not_overtake_the_answers_before_it() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.05)
        await whole(scope, receive, send)

    async def scene(port: int) -> None:
        answer = await exchange(port, GET + GET + head(LARGEST_HEAD + 1))
        assert answer.count(b"HTTP/1.1 ") == answer.count(OK) == 2
        # Here a body is refused, and it is that request's turn only later.
        answer = await exchange(port, GET + POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n")
        assert re.findall(rb"HTTP/1.1 (\d+) ", answer) == [b"200", b"400"]

    play(scene, slow)


@pytest.mark.parametrize("rest", [b"zz\r\n", b"0\r\n" + b"t: %s\r\n" % (b"a" * 1000) * 100])
def test_a_request_whose_body_is_refused_gets_one_answer(rest: bytes) -> None:
    async def scene(port: int) -> None:
        answer = await exchange(port, POST + b"transfer-encoding: chunked\r\n\r\n", rest)
        assert answer.count(b"HTTP/1.1 ") == 1
        assert answer[9:12] in (b"400", b"431")

    play(scene, whole)


class Held:
    """An application that answers when the test says so."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        if scope["path"] == "/slow":
            await self.let_go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def test_one_connection_too_many_is_told_so_and_room_is_made_again() -> None:
    async def scene(port: int) -> None:
        busy = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for _, writer in busy:
            writer.write(GET.replace(b"GET /", b"GET /slow"))
        async with asyncio.timeout(5):
            while held.asked < 2:
                await asyncio.sleep(0.001)
        answer = await exchange(port, GET)
        described, _, body = answer.partition(b"\r\n\r\n")
        assert described.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"retry-after: 1\r\n" in described
        assert json.loads(body)["Code"] == "ServiceUnavailable"
        # Those that are served are not disturbed, and one that goes makes room.
        held.let_go.set()
        for reader, _ in busy:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(OK)
        await hang_up(busy[1][1])
        async with asyncio.timeout(5):
            while not (await exchange(port, GET[:-2] + b"connection: close\r\n\r\n")).startswith(OK):
                pass
        await hang_up(busy[0][1])

    held = Held()
    play(scene, held, connections=2)


def test_of_connections_that_are_idle_the_longest_makes_room() -> None:
    async def scene(port: int) -> None:
        idle = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GET)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(OK)
            idle.append((reader, writer))
        # the first asks again, and with that the second has been idle longest
        idle[0][1].write(GET)
        assert (await idle[0][0].readuntil(b"\r\n\r\n")).startswith(OK)
        assert (await exchange(port, GET[:-2] + b"connection: close\r\n\r\n")).startswith(OK)
        async with asyncio.timeout(5):
            assert await idle[1][0].read() == b""
        for reader, writer in (idle[0], idle[2]):
            writer.write(GET)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(OK)
        await hang_up(*(writer for _, writer in idle))

    play(scene, Held(), connections=3)


def test_the_setting_says_how_many_connections_there_are(tmp_path: Path) -> None:
    with Service(tmp_path / "data", arguments=("--connections", "1")) as service:
        first, second = service.client(), service.client()
        assert first.v1("DescribeRegions").status == 200
        # A connection that waits for its first request is no idle one.
        with socket.create_connection(("127.0.0.1", service.port)):
            for _ in range(100):
                refused = second.v1("DescribeRegions")
                if refused.status == 503:
                    break
                second.close()
            assert (refused.status, refused.json()["Code"]) == (503, "ServiceUnavailable")
            assert refused.headers["retry-after"] == "1"


def test_of_very_many_connections_most_are_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "REFUSED_PATIENCE", 5.0)
    monkeypatch.setattr(server_module, "MOST_TURNED_AWAY", 3)

    async def scene(port: int) -> None:
        served = await asyncio.open_connection("127.0.0.1", port)
        turned_away = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for reader, _ in turned_away:
            assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(4):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        await hang_up(writer, *(each for _, each in (served, *turned_away)))

    play(scene, connections=1)


def test_an_answer_that_is_not_read_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "ANSWER_PATIENCE", 0.1)
    size = 32 * 1024 * 1024

    async def large(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"a" * size})

    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(GET)
        await reader.readexactly(100)
        async with asyncio.timeout(5):
            # The only connection that there is room for goes, although its client neither reads on nor hangs up.
            while (await first_line(port)).startswith(b"HTTP/1.1 503 "):
                pass
        await hang_up(writer)

    async def first_line(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(GET)
        line = await reader.readline()
        await hang_up(writer)
        return line

    play(scene, large, connections=1)


def test_an_answer_that_is_read_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "ANSWER_PATIENCE", 1.0)
    size = 32 * 1024 * 1024

    async def large(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"%d" % size), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"a" * size})

    async def scene(port: int) -> None:
        assert len(await exchange(port, GET)) > size

    play(scene, large)


@pytest.fixture
def _files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("_files")
def test_the_process_is_allowed_as_many_files_as_its_connections_need(monkeypatch: pytest.MonkeyPatch) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (400, hard))
    assert room_for(1024) == 1024
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 1024
    # A system that grants no more: fewer connections, and never none.
    granted: list[Any] = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1024, 1024))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: granted.append(limits))
    assert 512 < room_for(4096) < 1024
    assert granted == [(1024, 1024)]
