"""What a keeper makes of what a charon tells, without any tunnel."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.tunnels.daemon import Daemon
from gatewright.plane.linux.tunnels.keeper import Keeper
from gatewright.plane.linux.tunnels.pace import Pace
from gatewright.plane.linux.vici_session import ViciRefusal
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import TunnelSpec
from tests.plane.linux.sites import DOWN, UP, gateway
from tests.plane.linux.test_reliance import Link, followed
from tests.plane.linux.tunnel_watch import Heard, Secrets
from tests.support.patience import patience
from tests.support.tunnels import TUNNEL


class Charon:
    """Is both the daemon and the session with it. It has one SA, if any, and what it was told."""

    def __init__(self, *, carries: bool = False, ends: bool = True) -> None:
        """``ends``: SAs are ended when they are to be."""
        self.session: Charon | None = self
        self.carries = carries
        self.ends = ends
        self.asked: list[str] = []
        self.listed = 0

    async def command(self, name: str, message: Mapping[str, Any] | None = None, seconds: float = 5) -> dict[str, Any]:
        self.asked.append(name)
        if name == "terminate":
            if not self.ends:
                raise ViciRefusal("terminate: not now")
            self.carries = False
        return {}

    async def listing(self, name: str, event: str, message: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        self.listed += 1
        child = {"name": b"tun1", "state": b"INSTALLED"}
        sa = {"uniqueid": b"7", "state": b"ESTABLISHED", "child-sas": {"tun1-1": child}}
        return [{"tun1": sa}] if self.carries else []

    async def close(self) -> None:
        self.session = None

    def daemon(self) -> Daemon:
        return cast(Daemon, self)


def _connection(instance: InstanceSpec, tunnel: TunnelSpec) -> dict[str, Any]:
    return {tunnel.link: {"remote_addrs": [tunnel.peer]}}


@contextlib.asynccontextmanager
async def keeping(path: Path, link: Link, heard: Heard) -> AsyncIterator[Keeper]:
    """A keeper of a tunnel with such a link, whose folder is the path."""
    folder = Folder(path, threading.Lock(), path)
    spec = gateway(TUNNEL)
    keeper = Keeper(spec, TUNNEL, folder, _connection, lambda _changed: followed(link), heard, Secrets())
    try:
        async with asyncio.timeout(patience(20)):
            yield keeper
    finally:
        await keeper.close()


async def settle() -> None:
    """Let everything go on that can."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_a_tunnel_whose_charon_ends_while_its_link_is_set_is_not_told_to_be_up(tmp_path: Path) -> None:
    async def main() -> None:
        link, heard, charon = Link(), Heard(), Charon()
        async with keeping(tmp_path, link, heard) as keeper:
            keeper.attend(charon.daemon())
            await heard.status("tun-1", DOWN)
            link.free.clear()
            link.under_way.clear()
            charon.carries = True
            keeper.changed()
            await link.under_way.wait()
            charon.session = None
            keeper.lost("it has ended")
            link.free.set()
            await settle()
            assert UP not in {state.status for state in heard.states}
            last = heard.last("tun-1")
            assert last is not None
            assert "it has ended" in last.detail

    asyncio.run(main())


def test_who_has_charon_log_without_an_end_is_not_looked_at_without_an_end(tmp_path: Path) -> None:
    async def main() -> None:
        heard, charon = Heard(), Charon()
        async with keeping(tmp_path, Link(), heard) as keeper:
            keeper.attend(charon.daemon())
            await heard.status("tun-1", DOWN)
            for number in range(2000):
                keeper.logged(f"received proposals unacceptable, {number}")
                await asyncio.sleep(0)
            assert 5 < charon.listed < 200
            assert len(heard.lines) < 500
            # and what has come meanwhile is seen in the end
            charon.carries = True
            keeper.changed()
            await heard.status("tun-1", UP)

    asyncio.run(main())


def test_a_pace_lets_some_through_at_once_and_then_so_many_a_second() -> None:
    pace = Pace(10, 3, 100)
    assert [pace.take(100) for _ in range(4)] == [True, True, True, False]
    assert pace.left(100) == pytest.approx(0.1)
    assert pace.left(100.15) == 0
    assert [pace.take(100.15) for _ in range(2)] == [True, False]
    assert [pace.take(200) for _ in range(4)] == [True, True, True, False]


async def come_up(keeper: Keeper, charon: Charon, heard: Heard) -> None:
    keeper.attend(charon.daemon())
    await heard.until(lambda: "begins when there is traffic" in getattr(heard.last("tun-1"), "detail", ""))
    charon.carries = True
    keeper.changed()
    await heard.status("tun-1", UP)


def test_a_link_goes_down_with_a_charon_that_leaves_nothing_that_carries(tmp_path: Path) -> None:
    async def main() -> None:
        for may_carry in (True, False):
            link, heard, charon = Link(), Heard(), Charon()
            async with keeping(tmp_path, link, heard) as keeper:
                await come_up(keeper, charon, heard)
                charon.session = None
                keeper.lost("it has ended", may_carry=may_carry)
                await settle()
                assert link.set_to[-1].up == may_carry
                assert (await heard.status("tun-1", DOWN)).detail.endswith("it has ended")
                # and up with the next one
                await come_up(keeper, Charon(), heard)
                assert link.set_to[-1].up

    asyncio.run(main())


def test_a_tunnel_has_not_taken_what_is_wanted_while_what_was_agreed_before_stands(tmp_path: Path) -> None:
    async def main() -> None:
        link, heard, charon = Link(), Heard(), Charon(carries=True, ends=False)
        async with keeping(tmp_path, link, heard) as keeper:
            keeper.attend(charon.daemon())
            with pytest.raises(PlaneError, match="does not end what tun1 had agreed upon before"):
                await keeper.in_force(patience(5))
            # an agent that came now would load it again
            assert not (tmp_path / "loaded").exists()
            # until it has gone
            charon.carries = False
            await keeper.in_force(patience(5))
            assert (tmp_path / "loaded").exists()

    asyncio.run(main())
