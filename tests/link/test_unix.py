"""The link over a Unix socket: the same answers as a direct call, and a clear end when the other side goes."""

from __future__ import annotations

import asyncio
import math
import os
import stat
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from gatewright.errors import SERVICE_UNAVAILABLE
from gatewright.link.contract import HostChanges, LinkDown, Secret
from gatewright.link.frames import MOST_OF_TUNNELS, SecretsAnswer
from gatewright.link.unix import UnixLink, UnixLinkServer
from gatewright.resources.specs import (
    SCHEMA_VERSION,
    InstanceSpec,
    Kind,
    Observation,
    Phase,
    PrivateLeg,
    PublicLeg,
    Tombstone,
    VSwitchSpec,
)
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import BgpStatus, HealthStatus, TunnelLine, TunnelState, TunnelStatus
from gatewright.resources.tunnels import SecretRef

INSTANCE = InstanceSpec(
    id="vpn-1-1",
    generation=3,
    gateway_id="vpn-1",
    account_id="1",
    region_id="cn-hangzhou",
    zone_id="cn-hangzhou-k",
    role="master",
    public=PublicLeg(addresses=("198.18.0.2",), network="198.18.0.0/15"),
    private=PrivateLeg(vswitch_id="vsw-1", address="10.0.0.1", network="10.0.0.0/24"),
    bandwidth=10,
    ipsec=True,
    ssl=False,
    ssl_connections=0,
    auto_propagate=True,
)
CHANGES = HostChanges(
    upto=4,
    revision=9,
    items=(
        VSwitchSpec(id="vsw-1", generation=1, vpc_id="vpc-1", zone_id="z", cidr_block="10.0.0.0/24"),
        INSTANCE,
        Tombstone(Kind.INSTANCE, "vpn-2-1"),
    ),
)
SEEN = (Observation(kind=Kind.INSTANCE, id="vpn-1-1", generation=3, phase=Phase.FAILED, detail="because"),)
COUNTED = (Count("vpn-1-1", 1, 2, 3, 2**63),)
STATE = TunnelState(
    id="tun-1",
    instance_id="vpn-1-1",
    status=TunnelStatus.IPSEC_SA_ESTABLISHED,
    bgp=BgpStatus.UP,
    health=HealthStatus.FAILED,
    detail="because",
    at=1_800_000_000_000,
)
LINE = TunnelLine(tunnel_id="tun-1", at=1_800_000_000_001, text="peer says \x00 and \N{SNOWMAN}")
SECRET = Secret("tun-1", 7, "a passphrase")


class Authority:
    """A control plane that remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.door = asyncio.Event()
        self.door.set()
        self.failing = False
        self.again = 3.5

    async def changes(self, host_id: str, since: int, wait: float) -> HostChanges:
        self.calls.append((host_id, since, wait))
        await self.door.wait()
        if self.failing:
            raise SERVICE_UNAVAILABLE.because("no database")
        return CHANGES

    async def report(self, host_id: str, observations: Sequence[Observation]) -> None:
        self.calls.append((host_id, tuple(observations)))

    async def traffic(self, host_id: str, counts: Sequence[Count]) -> float:
        self.calls.append((host_id, tuple(counts)))
        return self.again

    async def tunnels(self, host_id: str, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        self.calls.append((host_id, tuple(states), tuple(lines)))

    async def secrets(self, host_id: str, references: Sequence[SecretRef]) -> Sequence[Secret]:
        self.calls.append((host_id, tuple(references)))
        return [SECRET]

    async def met(self, host_id: str, version: int) -> None:
        assert (host_id, version) == ("local", SCHEMA_VERSION)


def play(path: Path, scene: Callable[[Authority, UnixLinkServer, UnixLink], Awaitable[None]]) -> None:
    async def run() -> None:
        authority = Authority()
        server = UnixLinkServer(authority, "local", path)
        await server.start()
        link = UnixLink(path, os.geteuid())
        try:
            await scene(authority, server, link)
        finally:
            await link.close()
            await server.close()

    asyncio.run(run())


def test_documents_arrive_as_they_were_sent(tmp_path: Path) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        assert await link.changes(2, 0.5) == CHANGES
        await link.report(SEEN)
        assert await link.traffic(COUNTED) == 3.5
        assert authority.calls == [("local", 2, 0.5), ("local", SEEN), ("local", COUNTED)]

    play(tmp_path / "s", scene)


def test_what_is_seen_of_tunnels_arrives_and_secrets_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        await link.tunnels([STATE], [LINE])
        asked = [SecretRef("tun-1", 7), SecretRef("tun-2", 1)]
        told = await link.secrets(asked)
        assert told == {SecretRef("tun-1", 7): "a passphrase"}
        assert authority.calls == [("local", (STATE,), (LINE,)), ("local", tuple(asked))]
        assert "passphrase" not in f"{told!r} {told} {SECRET!r} {SecretsAnswer((SECRET,))}"

    with caplog.at_level("DEBUG"):
        play(tmp_path / "s", scene)
    assert "passphrase" not in caplog.text


def test_no_word_of_a_tunnel_waits_behind_a_report(tmp_path: Path) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        async def held(host_id: str, observations: Sequence[Observation]) -> None:
            await authority.door.wait()

        authority.report = held  # type: ignore[method-assign]  # a control plane that is slow to fold
        authority.door.clear()
        reporting = asyncio.create_task(link.report(SEEN))
        async with asyncio.timeout(5):
            await link.tunnels([STATE], [])
            await link.secrets([SecretRef("tun-1", 7)])
        assert not reporting.done()
        authority.door.set()
        await reporting

    play(tmp_path / "s", scene)


def test_more_than_a_message_holds_is_none(tmp_path: Path) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        with pytest.raises(LinkDown):
            await link.tunnels([], [LINE] * (MOST_OF_TUNNELS + 1))
        assert authority.calls == []

    play(tmp_path / "s", scene)


def test_a_report_does_not_wait_behind_a_long_poll(tmp_path: Path) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        authority.door.clear()
        polling = asyncio.create_task(link.changes(2, 20))
        async with asyncio.timeout(5):
            await link.report(SEEN)
        assert not polling.done()
        authority.door.set()
        assert await polling == CHANGES

    play(tmp_path / "s", scene)


def test_a_cancelled_poll_does_not_leave_its_answer_to_the_next(tmp_path: Path) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        authority.door.clear()
        polling = asyncio.create_task(link.changes(1, 20))
        while not authority.calls:
            await asyncio.sleep(0.001)
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        authority.door.set()
        assert await link.changes(2, 0) == CHANGES

    play(tmp_path / "s", scene)


def test_a_failing_control_plane_is_a_link_that_is_down(tmp_path: Path) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        authority.failing = True
        with pytest.raises(LinkDown, match="no database"):
            await link.changes(1, 0)
        authority.failing = False
        assert await link.changes(1, 0) == CHANGES

    play(tmp_path / "s", scene)


def test_a_server_that_goes_and_comes_back(tmp_path: Path) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        assert await link.changes(1, 0) == CHANGES
        await server.close()
        with pytest.raises(LinkDown):
            await link.changes(1, 0)
        # What a killed server leaves behind does not stand in the next one's way.
        (tmp_path / "s").touch()
        again = UnixLinkServer(authority, "local", tmp_path / "s")
        await again.start()
        assert await link.changes(1, 0) == CHANGES
        await again.close()

    play(tmp_path / "s", scene)


def test_the_socket_is_its_owners_alone(tmp_path: Path) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600

    play(tmp_path / "s", scene)


def test_another_user_is_refused() -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")

    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        # The other user can reach the path and open the socket: what refuses it is the server.
        (folder / "s").chmod(0o666)
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(folder / "s"))
        assert await process.wait() == 0
        assert authority.calls == []

    script = (
        "import os,socket,sys; os.setresuid(65534,65534,65534); s=socket.socket(socket.AF_UNIX);"
        "s.connect(sys.argv[1]); sys.exit(len(s.recv(10)))"
    )
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        play(folder / "s", scene)


def test_an_agent_says_nothing_to_a_socket_of_somebody_else(tmp_path: Path) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        wary = UnixLink(tmp_path / "s", os.geteuid() + 1)
        with pytest.raises(LinkDown, match=f"user {os.geteuid()} listens on {tmp_path / 's'}"):
            await wary.changes(1, 0)
        with pytest.raises(LinkDown, match="nothing is told to it"):
            await wary.report(SEEN)
        assert authority.calls == []
        await wary.close()
        assert await link.changes(1, 0) == CHANGES

    play(tmp_path / "s", scene)


@pytest.mark.parametrize("item_id", ["../../etc", "a\nWARNING forged", "", "a" * 101])
def test_a_page_with_a_name_that_is_none_is_refused_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, item_id: str
) -> None:
    for hostile in (
        Tombstone(Kind.INSTANCE, item_id),
        msgspec.structs.replace(INSTANCE, id=item_id),
        msgspec.structs.replace(INSTANCE, private=msgspec.structs.replace(INSTANCE.private, vswitch_id=item_id)),
    ):

        async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
            with pytest.raises(LinkDown, match="matching regex"):
                await link.changes(1, 0)

        page = HostChanges(upto=4, revision=9, items=(hostile,))
        monkeypatch.setattr(f"{__name__}.CHANGES", page)
        play(tmp_path / "s", scene)


@pytest.mark.parametrize("again", [0.0, -1.0, math.nan, math.inf])
def test_an_agent_is_not_told_to_count_without_a_pause_or_never_again(tmp_path: Path, again: float) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        authority.again = again
        with pytest.raises(LinkDown, match="again"):
            await link.traffic(COUNTED)

    play(tmp_path / "s", scene)


def test_garbage_ends_the_connection_and_nothing_else(tmp_path: Path) -> None:
    async def scene(authority: Authority, server: UnixLinkServer, link: UnixLink) -> None:
        for garbage in (b"\xff\xff\xff\xff", b"\0\0\0\1x", b"\0\0"):
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
            writer.write(garbage)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
        assert await link.changes(1, 0) == CHANGES

    play(tmp_path / "s", scene)
