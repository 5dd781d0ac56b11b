"""The link over HTTPS: who is served, what they get, and when they get nothing any more."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import uvloop

from gatewright.errors import ConfigurationError
from gatewright.link import https_server
from gatewright.link.contract import HostChanges, HostUnknown, LinkDown, Secret
from gatewright.link.frames import LARGEST, ChangesRequest, ReportRequest
from gatewright.link.https import HttpsLink, client_context
from gatewright.link.https_server import HttpsLinkServer, server_context
from gatewright.resources.specs import SCHEMA_VERSION, Kind, Observation, Phase, Tombstone
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import TunnelLine, TunnelState
from gatewright.resources.tunnels import SecretRef
from gatewright.secrets.certificates import Authority as CertificateAuthority
from tests.link.test_unix import LINE, SECRET, STATE

SEEN = (Observation(kind=Kind.INSTANCE, id="vpn-1-1", generation=3, phase=Phase.FAILED, detail="because"),)
COUNTED = (Count("vpn-1-1", 1, 2, 3, 2**63),)
OURS = CertificateAuthority.make("0123abcd")
STRANGERS = CertificateAuthority.make("0123abcd")


class Authority:
    """A control plane with hosts, which remembers what it was asked."""

    def __init__(self) -> None:
        self.hosts: dict[str, str] = {}
        self.calls: list[Any] = []
        self.door = asyncio.Event()
        self.door.set()
        self.met_with: dict[str, int] = {}
        self.looked = 0

    async def host_of(self, fingerprint: str) -> str | None:
        self.looked += 1
        return self.hosts.get(fingerprint)

    async def met(self, host_id: str, version: int) -> None:
        self.met_with[host_id] = version

    async def changes(self, host_id: str, since: int, wait: float) -> HostChanges:
        self.calls.append((host_id, since, wait))
        await self.door.wait()
        if host_id not in self.hosts.values():
            raise HostUnknown(host_id)
        return HostChanges(upto=1, revision=1, items=(Tombstone(Kind.INSTANCE, f"of-{host_id}"),))

    async def report(self, host_id: str, observations: Sequence[Observation]) -> None:
        self.calls.append((host_id, tuple(observations)))

    async def traffic(self, host_id: str, counts: Sequence[Count]) -> float:
        self.calls.append((host_id, tuple(counts)))
        return 3.5

    async def tunnels(self, host_id: str, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        self.calls.append((host_id, tuple(states), tuple(lines)))

    async def secrets(self, host_id: str, references: Sequence[SecretRef]) -> Sequence[Secret]:
        self.calls.append((host_id, tuple(references)))
        return [SECRET]


def expected(host: str) -> HostChanges:
    return HostChanges(upto=1, revision=1, items=(Tombstone(Kind.INSTANCE, f"of-{host}"),))


class Stage(NamedTuple):
    """A server on loopback, and what its clients need."""

    folder: Path
    authority: Authority
    port: int

    def context(self, host: str, issuer: CertificateAuthority = OURS, *, known: bool = True) -> ssl.SSLContext:
        issued = issuer.issue_host(host, "10.200.0.11")
        if known:
            self.authority.hosts[issued.fingerprint] = host
        files = {name: self.folder / f"{issued.fingerprint}.{name}" for name in ("ca", "crt", "key")}
        for name, text in (("ca", OURS.certificate), ("crt", issued.certificate), ("key", issued.private_key)):
            files[name].touch(mode=0o600)
            files[name].write_text(text)
        return client_context(files["ca"], files["crt"], files["key"])

    def link(self, host: str, issuer: CertificateAuthority = OURS, *, known: bool = True) -> HttpsLink:
        return HttpsLink(f"https://127.0.0.1:{self.port}", self.context(host, issuer, known=known))

    async def raw(self, host: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.context(host))


def play(folder: Path, scene: Callable[[Stage], Awaitable[None]], named: str = "127.0.0.1") -> None:
    async def run() -> None:
        authority = Authority()
        context = server_context(OURS.certificate)
        issued = OURS.issue_endpoint(named)
        (folder / "server").write_text(issued.private_key + issued.certificate)
        context.load_cert_chain(folder / "server")
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = HttpsLinkServer(authority, listener, context)
        await server.start()
        try:
            async with asyncio.timeout(30):
                await scene(Stage(folder, authority, listener.getsockname()[1]))
        finally:
            await server.close()

    # The loop that the API runs on.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def test_each_host_is_served_as_the_one_of_its_certificate(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        one, two = stage.link("one"), stage.link("two")
        for _ in range(3):
            assert await one.changes(2, 0.5) == expected("one")
            assert await two.changes(2, 0.5) == expected("two")
        assert await two.traffic(COUNTED) == 3.5
        assert stage.authority.calls.pop() == ("two", COUNTED)
        await two.report(SEEN)
        assert stage.authority.calls[-1] == ("two", SEEN)
        assert {call[0] for call in stage.authority.calls[::2] if isinstance(call, tuple)} == {"one", "two"}
        assert stage.authority.met_with == {"one": SCHEMA_VERSION, "two": SCHEMA_VERSION}
        await one.close()
        await two.close()

    play(tmp_path, scene)


def test_hosts_tell_of_tunnels_and_are_told_secrets(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        one = stage.link("one")
        await one.tunnels([STATE], [LINE])
        assert await one.secrets([SecretRef("tun-1", 7)]) == {SecretRef("tun-1", 7): "a passphrase"}
        told, asked = stage.authority.calls
        state = told[1][0]
        # it says what its clock says, which may be wrong
        assert abs(state.told_at - time.time() * 1000) < 60_000
        assert told == ("one", (msgspec.structs.replace(STATE, told_at=state.told_at),), (LINE,))
        assert asked == ("one", (SecretRef("tun-1", 7),))
        older = HttpsLink(f"https://127.0.0.1:{stage.port}", stage.context("one"), SCHEMA_VERSION - 1)
        with pytest.raises(LinkDown, match="update it"):
            await older.secrets([SecretRef("tun-1", 7)])
        stranger = stage.link("two", known=False)
        with pytest.raises(LinkDown, match="none of a host"):
            await stranger.secrets([SecretRef("tun-1", 7)])
        assert len(stage.authority.calls) == 2
        for link in (one, older, stranger):
            await link.close()

    play(tmp_path, scene)


def test_a_report_does_not_wait_behind_a_long_poll(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        link = stage.link("one")
        stage.authority.door.clear()
        polling = asyncio.create_task(link.changes(2, 20))
        async with asyncio.timeout(5):
            await link.report(SEEN)
        assert not polling.done()
        stage.authority.door.set()
        assert await polling == expected("one")
        await link.close()

    play(tmp_path, scene)


def test_a_certificate_of_ours_that_is_no_hosts_gets_nothing(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        link = stage.link("one", known=False)
        with pytest.raises(LinkDown, match="none of a host"):
            await link.changes(0, 0)
        with pytest.raises(LinkDown, match="none of a host"):
            await link.report(SEEN)
        assert stage.authority.calls == []
        await link.close()

    play(tmp_path, scene)


def test_a_revoked_certificate_is_refused_on_connections_that_are_open(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        link = stage.link("one")
        await link.changes(0, 0)
        await link.report(SEEN)
        stage.authority.hosts.clear()
        before = list(stage.authority.calls)
        with pytest.raises(LinkDown, match="none of a host"):
            await link.report(SEEN)
        with pytest.raises(LinkDown, match="none of a host"):
            await link.changes(0, 0)
        assert stage.authority.calls == before
        await link.close()

    play(tmp_path, scene)


@pytest.mark.parametrize("meanwhile", ["another certificate of the host", "no such host"])
def test_a_certificate_that_is_revoked_during_a_poll_gets_no_answer(tmp_path: Path, meanwhile: str) -> None:
    async def scene(stage: Stage) -> None:
        link = stage.link("one")
        stage.authority.door.clear()
        polling = asyncio.create_task(link.changes(2, 20))
        while not stage.authority.calls:
            await asyncio.sleep(0.001)
        stage.authority.hosts = {"another": "one"} if meanwhile.startswith("another") else {}
        stage.authority.door.set()
        with pytest.raises(LinkDown, match="none of a host"):
            await polling
        await link.close()

    play(tmp_path, scene)


def test_a_strangers_certificate_does_not_get_through_the_handshake(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        link = stage.link("one", STRANGERS)
        with pytest.raises(LinkDown, match=r"cannot be talked to|does not take this host's certificate"):
            await link.changes(0, 0)
        assert stage.authority.calls == []
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        bare.load_verify_locations(cadata=OURS.certificate)
        with pytest.raises((OSError, EOFError)):  # noqa: PT012 - TLS 1.3 says it at the first read
            reader, writer = await asyncio.open_connection("127.0.0.1", stage.port, ssl=bare)
            writer.write(b"POST /link/v1/changes HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
            if await reader.read() == b"":
                raise EOFError
        await link.close()

    play(tmp_path, scene)


def test_an_agent_talks_to_nobody_but_the_control_plane(tmp_path: Path) -> None:
    async def elsewhere(stage: Stage) -> None:
        link = stage.link("one")
        with pytest.raises(LinkDown, match="not this installation's control plane"):
            await link.changes(0, 0)
        assert stage.authority.calls == []
        await link.close()

    play(tmp_path, elsewhere, named="10.9.9.9")


def test_a_host_cannot_pose_as_the_control_plane(tmp_path: Path) -> None:
    async def run() -> None:
        issued = OURS.issue_host("one", "127.0.0.1")
        (tmp_path / "posing").write_text(issued.private_key + issued.certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "posing")
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        stage = Stage(tmp_path, Authority(), server.sockets[0].getsockname()[1])
        link = stage.link("two")
        with pytest.raises(LinkDown, match="not this installation's control plane"):
            await link.changes(0, 0)
        await link.close()
        server.close()

    asyncio.run(run())


def test_a_control_plane_that_is_away_is_a_link_that_is_down(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        link = HttpsLink("https://127.0.0.1:1", stage.context("one"))
        with pytest.raises(LinkDown, match=r"127\.0\.0\.1:1 cannot be talked to"):
            await link.changes(0, 0)
        await link.close()

    play(tmp_path, scene)


def test_a_newer_agent_is_told_to_wait_for_the_control_plane(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        newer = HttpsLink(f"https://127.0.0.1:{stage.port}", stage.context("one"), SCHEMA_VERSION + 1)
        for told in (newer.changes(0, 0), newer.report(()), newer.traffic(())):
            with pytest.raises(LinkDown, match="update the control plane first"):
                await told
        assert stage.authority.calls == []
        await newer.close()

    play(tmp_path, scene)


BODY = msgspec.msgpack.encode(ChangesRequest(0, 0))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /link/v1/changes HTTP/1.1\r\nhost: x\r\n\r\n", b"405"),
        (b"POST /elsewhere HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", b"404"),
        (b"POST /link/v1/changes HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc", b"400"),
        (b"POST /link/v1/report HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY), b"400"),
        (b"POST /link/v1/report HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n", b"417"),
        (
            b"POST /link/v1/report HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (LARGEST + 1)
            + bytes(LARGEST + 1),
            b"413",
        ),
        (b"nonsense\r\n\r\n", b""),
        (b"POST /link/v1/report HTTP/1.1\r\nhost: x\r\nx: " + b"y" * https_server.LARGEST_HEAD * 2, b""),
    ],
)
def test_what_is_no_request_of_an_agent_ends_the_connection(tmp_path: Path, sent: bytes, status: bytes) -> None:
    async def scene(stage: Stage) -> None:
        reader, writer = await stage.raw("one")
        writer.write(sent)
        answer = await reader.read()
        assert answer.split(b" ")[1:2] == ([status] if status else [])
        writer.close()
        assert stage.authority.calls == []
        # And nothing else: others are served.
        link = stage.link("two")
        assert await link.changes(0, 0) == expected("two")
        await link.close()

    play(tmp_path, scene)


def test_a_host_has_a_few_connections_and_who_is_slow_loses_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https_server, "MOST_OF_A_HOST", 2)

    async def many(stage: Stage) -> None:
        context = stage.context("one")
        held = [await asyncio.open_connection("127.0.0.1", stage.port, ssl=context) for _ in range(2)]
        link = HttpsLink(f"https://127.0.0.1:{stage.port}", context)
        with pytest.raises(LinkDown, match="does another agent run"):
            await link.changes(0, 0)
        for _, writer in held:
            writer.close()
        await link.close()

    async def slow(stage: Stage) -> None:
        monkeypatch.setattr(https_server, "IDLE_PATIENCE", 0.05)
        reader, writer = await stage.raw("one")
        writer.write(b"POST /link/v1")
        assert await reader.read() == b""
        writer.close()

    play(tmp_path, many)
    play(tmp_path, slow)


def test_a_revoked_certificate_takes_nobodys_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https_server, "MOST_CONNECTIONS", 4)
    monkeypatch.setattr(https_server, "MOST_NEWCOMERS", 4)
    # nobody is let go because of the time
    monkeypatch.setattr(https_server, "FAREWELL", 60.0)

    async def scene(stage: Stage) -> None:
        revoked = stage.context("revoked", known=False)
        held = [await asyncio.open_connection("127.0.0.1", stage.port, ssl=revoked) for _ in range(8)]
        link = stage.link("one")
        assert await link.changes(0, 0) == expected("one")
        # it is told without having asked
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port, ssl=revoked)
        assert b"403" in await reader.readline()
        for _, each in (*held, (reader, writer)):
            each.close()
        await link.close()

    play(tmp_path, scene)


def test_who_does_not_even_begin_a_handshake_takes_nobodys_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https_server, "MOST_NEWCOMERS", 4)

    async def scene(stage: Stage) -> None:
        held = [await asyncio.open_connection("127.0.0.1", stage.port) for _ in range(12)]
        # the oldest had to go
        for reader, _ in held[:8]:
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        link = stage.link("one")
        assert await link.changes(0, 0) == expected("one")
        assert not held[-1][0].at_eof()
        for _, writer in held:
            writer.close()
        await link.close()

    play(tmp_path, scene)


def test_nothing_counts_of_a_report_whose_host_is_revoked_before_its_body(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        reader, writer = await stage.raw("one")
        body = msgspec.msgpack.encode(ReportRequest(SEEN, SCHEMA_VERSION))
        writer.write(b"POST /link/v1/report HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body))
        # when it came, and when its head came
        while stage.authority.looked < 2:
            await asyncio.sleep(0.001)
        stage.authority.hosts.clear()
        writer.write(body)
        assert b"403" in await reader.readline()
        assert stage.authority.calls == []
        writer.close()

    play(tmp_path, scene)


def test_a_connection_that_ends_without_an_answer_is_said(tmp_path: Path) -> None:
    async def run() -> None:
        issued = OURS.issue_endpoint("127.0.0.1")
        (tmp_path / "server").write_text(issued.private_key + issued.certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "server")
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        link = Stage(tmp_path, Authority(), server.sockets[0].getsockname()[1]).link("one")
        with pytest.raises(LinkDown, match="ended without a whole answer"):
            await link.changes(0, 0)
        await link.close()
        server.close()

    asyncio.run(run())


def test_an_idle_connection_that_was_ended_is_made_anew_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https_server, "IDLE_PATIENCE", 0.05)

    async def scene(stage: Stage) -> None:
        link = stage.link("one")
        await link.report(SEEN)
        # The connection of polls is as idle as this one, and is seen to end.
        reader, writer = await stage.raw("one")
        assert await reader.read() == b""
        writer.close()
        for _ in range(3):
            await asyncio.sleep(0.1)
            await link.report(SEEN)
        await link.close()

    play(tmp_path, scene)


@pytest.mark.parametrize("url", ["http://h:1", "https://h", "https://h:x", "https://h:1/x", "https://u@h:1", "h:1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="write https://HOST:PORT"):
        HttpsLink(url, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def test_files_that_are_none_or_for_everybody_are_refused(tmp_path: Path) -> None:
    issued = OURS.issue_host("one", "")
    files = [tmp_path / name for name in ("ca", "crt", "key")]
    with pytest.raises(ConfigurationError, match="cannot be read"):
        client_context(*files)
    for file, text in zip(files, (OURS.certificate, issued.certificate, issued.private_key), strict=True):
        file.write_text(text)
    files[2].chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        client_context(*files)
    files[2].chmod(0o600)
    client_context(*files)
    files[0].write_text("nothing")
    with pytest.raises(ConfigurationError, match="no certificate authority"):
        client_context(*files)
    files[0].write_text(OURS.certificate)
    files[1].write_text(OURS.issue_host("two", "").certificate)
    with pytest.raises(ConfigurationError, match="no certificate and its key"):
        client_context(*files)
