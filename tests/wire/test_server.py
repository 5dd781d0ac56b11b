"""Clients that take their time before a request is a request."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gatewright.wire import bodies
from gatewright.wire import server as server_module
from gatewright.wire.interception import DROP
from gatewright.wire.server import server_for
from tests.support.cell import Cell


async def application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def play(
    scene: Callable[[int], Awaitable[None]],
    served: Any = application,
    connections: int = 100,
    *,
    droppable: bool = False,
    context: Callable[[], ssl.SSLContext] | None = None,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run a scene against a server on a free port."""

    async def run() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        server = server_for(served, connections, droppable=droppable, context=context)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await scene(listener.getsockname()[1])
        finally:
            server.should_exit = True
            await serving
            listener.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEAD_PATIENCE", 0.1)
    monkeypatch.setattr(server_module, "REFUSED_PATIENCE", 0.1)

    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()

    play(scene)


def test_a_kept_connection_is_not_hurried_between_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEAD_PATIENCE", 0.1)

    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(5):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0.3)
        # The second request has begun and goes no further.
        writer.write(b"GET / HT")
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()

    play(scene)


def test_empty_lines_do_not_hold_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEAD_PATIENCE", 0.1)
    monkeypatch.setattr(server_module, "REFUSED_PATIENCE", 0.1)

    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.write(b"\r\n")
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()

    play(scene)


@pytest.mark.parametrize("pieces", [(), (b"a",)])
def test_a_body_that_does_not_come_is_not_waited_for(
    pieces: tuple[bytes, ...], cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_PATIENCE", 0.1)
    monkeypatch.setattr(bodies, "REFUSED_PATIENCE", 0.1)
    coming = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    sent: list[Any] = []

    async def receive() -> Any:
        if coming:
            return coming.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def send(event: Any) -> None:
        sent.append(event)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [(b"content-length", b"9")]}
    cell.run(cell.endpoint(scope, receive, send))
    assert sent[0]["status"] == 408


def test_a_head_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "REFUSED_PATIENCE", 0.1)

    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 12_000)
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
        writer.close()

    play(scene)


def test_an_application_may_hang_up_without_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def dropping(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/drop":
            scope["extensions"][DROP]()
        else:
            await application(scope, receive, send)

    async def scene(port: int) -> None:
        # Pipelined, and asked for in one go: what came before is answered, what comes after is not.
        for sent, answered in ((b"/drop", 0), (b"/ /drop /", 1), (b"/ /", 2)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in sent.split()))
            if answered == 2:
                writer.write_eof()
            async with asyncio.timeout(5):
                received = await reader.read()
            assert received.count(b"HTTP/1.1 200 ") == received.count(b"HTTP/1.1 ") == answered
            writer.close()
        assert caplog.text == ""

    play(scene, dropping, droppable=True)
