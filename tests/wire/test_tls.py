"""TLS in front of the server: the handshake, who makes none, and another certificate while connections stand."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import uvloop

from gatewright.secrets.certificates import Authority
from gatewright.secrets.server_certificates import load
from gatewright.wire import tls
from gatewright.wire.tls import server_context
from tests.wire.test_server import application, play

OURS = Authority.make("test", "authority")
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
Scene = Callable[[int], Awaitable[None]]


def shown(*names: str) -> ssl.SSLContext:
    """A server's context with a new certificate."""
    issued = OURS.issue_server("test", names or ("127.0.0.1",), timedelta(days=1))
    return server_context(partial(load, certificate=issued.certificate, private_key=issued.private_key))


def trusting() -> ssl.SSLContext:
    """A client's context."""
    return ssl.create_default_context(cadata=OURS.certificate)


def secure(scene: Scene, served: Any = application, connections: int = 100) -> None:
    """Run a scene against a server with TLS, in the loop that serves."""
    context = shown()
    play(scene, served, connections, context=lambda: context, loop=uvloop.new_event_loop)


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(10):
        return await asyncio.open_connection("127.0.0.1", port, ssl=trusting())


async def ask(port: int, request: bytes = LAST) -> bytes:
    """Everything that is answered on a connection of its own."""
    reader, writer = await connected(port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.transport.abort()
    return answer


def test_requests_are_answered_one_after_the_other_and_as_https() -> None:
    schemes = []

    async def served(scope: Any, receive: Any, send: Any) -> None:
        schemes.append(scope["scheme"])
        await application(scope, receive, send)

    async def scene(port: int) -> None:
        assert (await ask(port, GET + GET + LAST)).count(b"HTTP/1.1 200 ") == 3

    secure(scene, served)
    assert schemes == ["https"] * 3


@pytest.mark.parametrize(("version", "taken"), [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_is_1_2_at_least(version: ssl.TLSVersion, taken: bool) -> None:
    async def scene(port: int) -> None:
        context = trusting()
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        except (ssl.SSLError, ConnectionError):
            assert not taken
        else:
            assert taken
            writer.transport.abort()

    secure(scene)


def test_another_certificate_is_for_new_handshakes_and_old_connections_go_on() -> None:
    current = [shown("127.0.0.1", "first.test")]

    def names(writer: asyncio.StreamWriter) -> set[str]:
        found = writer.get_extra_info("ssl_object").getpeercert()
        return {value for _, value in found["subjectAltName"]}

    async def scene(port: int) -> None:
        reader, writer = await connected(port)
        assert "first.test" in names(writer)
        current[0] = shown("127.0.0.1", "second.test")
        _, other = await connected(port)
        assert "second.test" in names(other)
        writer.write(LAST)
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        for each in (writer, other):
            each.transport.abort()

    play(scene, context=lambda: current[0], loop=uvloop.new_event_loop)


def test_who_speaks_plain_http_is_told_so() -> None:
    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        async with asyncio.timeout(10):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert head.startswith(b"HTTP/1.1 404 ")
        told = json.loads(body)
        assert told["Code"] == "InvalidProtocol.NeedSsl"
        assert "https://" in told["Detail"]
        assert (await ask(port)).startswith(b"HTTP/1.1 200 ")

    secure(scene)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"])
def test_a_handshake_that_does_not_come_is_not_waited_for(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_PATIENCE", 0.2)

    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()

    secure(scene)


def test_those_who_make_no_handshake_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "MOST_HANDSHAKES", 2)

    async def scene(port: int) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert (await ask(port)).startswith(b"HTTP/1.1 200 ")
        # the first one made room for the third, the second one for who asked
        for reader, _ in silent[:2]:
            async with asyncio.timeout(5):
                assert await reader.read() == b""
        for _, writer in silent:
            writer.close()

    secure(scene)


def test_a_client_that_refuses_the_certificate_is_nothing_to_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def scene(port: int) -> None:
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())
        assert (await ask(port)).startswith(b"HTTP/1.1 200 ")

    secure(scene)
    assert [record for record in caplog.records if record.name not in ("uvicorn.error", "asyncio")] == []
    assert "Traceback" not in caplog.text


def test_beyond_the_connections_it_is_said_over_tls_and_who_is_idle_makes_room() -> None:
    held = asyncio.Event()

    async def served(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/held":
            await held.wait()
        await application(scope, receive, send)

    async def scene(port: int) -> None:
        idle, idle_writer = await connected(port)
        idle_writer.write(GET)
        await idle.readuntil(b"\r\n\r\n")
        # it is the only connection that there is room for, and does nothing
        busy, busy_writer = await connected(port)
        busy_writer.write(b"GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(10):
            assert await idle.read() == b""
        assert (await ask(port)).startswith(b"HTTP/1.1 503 ")
        held.set()
        async with asyncio.timeout(10):
            assert (await busy.read()).startswith(b"HTTP/1.1 200 ")
        for each in (idle_writer, busy_writer):
            each.transport.abort()

    secure(scene, served, connections=1)


def test_a_client_that_says_farewell_early_ends_its_connection_without_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answering = asyncio.Event()
    gone = asyncio.Event()

    async def served(scope: Any, receive: Any, send: Any) -> None:
        answering.set()
        await receive()
        if (await receive())["type"] == "http.disconnect":
            gone.set()

    async def scene(port: int) -> None:
        _, writer = await connected(port)
        writer.write(GET)
        async with asyncio.timeout(10):
            await answering.wait()
            writer.close()
            await gone.wait()

    secure(scene, served)
    assert "eof_received" not in caplog.text


def test_the_server_ends_while_handshakes_are_under_way() -> None:
    left: list[socket.socket] = []

    async def scene(port: int) -> None:
        left.append(socket.create_connection(("127.0.0.1", port)))
        assert (await ask(port)).startswith(b"HTTP/1.1 200 ")

    secure(scene)
    left[0].settimeout(10)
    assert left[0].recv(1) == b""
    left[0].close()


def test_the_server_does_not_wait_for_farewells_of_clients_that_are_idle(caplog: pytest.LogCaptureFixture) -> None:
    idle: list[ssl.SSLSocket] = []

    def client(port: int) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        idle.append(trusting().wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False))
        idle[0].sendall(GET)
        assert idle[0].recv(4096).startswith(b"HTTP/1.1 200 ")

    async def scene(port: int) -> None:
        await asyncio.to_thread(client, port)

    secure(scene)
    # as uvicorn says when its patience is over
    assert "timeout graceful shutdown exceeded" not in caplog.text
    with idle[0]:
        while idle[0].recv(4096):
            pass  # it was told farewell: a mere end would be an error here
