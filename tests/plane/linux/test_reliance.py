"""What decides how far a tunnel can be relied on, without any tunnel."""

from __future__ import annotations

import asyncio
import ipaddress
from concurrent.futures import ThreadPoolExecutor

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.tunnels import echoes, marks, steering
from gatewright.plane.linux.tunnels.echoes import Echo
from gatewright.plane.linux.tunnels.links import LinkState
from gatewright.plane.linux.tunnels.probes import Probes
from gatewright.plane.linux.tunnels.reliance import Reliance
from gatewright.plane.linux.tunnels.steadiness import FIRST, LONGEST, Steadiness
from gatewright.plane.linux.tunnels.verdict import Verdict
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnel_states import HealthStatus
from gatewright.resources.tunnels import TunnelSpec
from tests.plane.linux.sites import gateway
from tests.support.tunnels import TUNNEL


def test_a_tunnel_that_was_never_lost_is_steady_at_once_and_one_that_came_back_later() -> None:
    fresh = Steadiness()
    assert fresh.good(100) == 0
    fresh.bad(200)
    assert fresh.good(201) == FIRST
    assert fresh.good(201 + FIRST / 2) == FIRST / 2
    assert fresh.good(201 + FIRST) == 0
    assert Steadiness(doubtful=True).good(5) == FIRST


def test_one_that_comes_and_goes_waits_ever_longer_until_it_has_lasted() -> None:
    flapping, now, holds = Steadiness(doubtful=True), 0.0, []
    for _ in range(8):
        holds.append(flapping.good(now))
        now += 5
        flapping.bad(now)
        # told twice is lost once
        flapping.bad(now)
    assert holds == [1, 2, 4, 8, 16, 30, 30, 30]
    assert flapping.good(now) == LONGEST
    now += 60
    assert flapping.good(now) == 0
    flapping.bad(now)
    assert flapping.good(now) == FIRST


def judged(retry: int, probes: str) -> str:
    """The letters that statuses begin with after each probe: unknown, good, failed."""
    letters = {HealthStatus.UNKNOWN: "u", HealthStatus.GOOD: "g", HealthStatus.FAILED: "f"}
    verdict, found = Verdict(retry), ""
    for probe in probes:
        (verdict.answered if probe == "." else verdict.missed)()
        found += letters[verdict.status]
    return found


def test_a_verdict_needs_as_many_missing_answers_as_it_is_told_and_three_good_ones_afterwards() -> None:
    # a dot is an answer, a dash none
    for probes, found in ((".--.--", "gggggg"), ("---", "uuf"), (".---", "gggf"), ("---..-...--", "uuffffffggg")):
        assert judged(3, probes) == found, probes
    assert judged(1, "-.") == "ff"


def test_what_failed_before_an_interruption_has_to_show_that_it_is_good_and_what_was_good_has_not() -> None:
    good, failed = Verdict(1), Verdict(1)
    good.answered()
    failed.missed()
    for verdict in (good, failed):
        verdict.interrupted()
    assert (good.status, failed.status) == (HealthStatus.UNKNOWN, HealthStatus.FAILED)
    failed.answered()
    assert failed.status is HealthStatus.FAILED


def test_marks_are_nobodys_addresses() -> None:
    found = [mark for number in (1, 2, 9999) for mark in (marks.usable(number), marks.steady(number))]
    addresses = [address for mark in found for address in mark]
    charons = [address for number in (1, 2, 9999) for address in steering.ends(number)]
    assert len({*addresses, *charons}) == len(addresses) + len(charons)
    for mark in found:
        assert marks.is_mark((mark.address, marks.PREFIX))
        network = ipaddress.IPv4Network(f"{mark.address}/{marks.PREFIX}")
        assert {str(one) for one in network} == set(mark)
        assert ipaddress.IPv4Address(mark.address) in ipaddress.IPv4Network(steering.NETWORK)
    assert not any(marks.is_mark((address, steering.PREFIX)) for address in charons)
    assert not marks.is_mark(("169.254.1.1", 30))


class Link:
    """A tunnel's link that takes its time, and refuses to be set if ``trouble`` says so."""

    def __init__(self) -> None:
        self.set_to: list[LinkState] = []
        self.under_way = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()
        self.trouble = ""

    async def set(self, spec: InstanceSpec, tunnel: TunnelSpec, wanted: LinkState) -> bool:
        self.set_to.append(wanted)
        self.under_way.set()
        await self.free.wait()
        if self.trouble:
            raise PlaneError(self.trouble)
        return True

    async def look(self, spec: InstanceSpec, tunnel: TunnelSpec) -> LinkState | None:
        return None


def followed(link: Link) -> Reliance:
    return Reliance(link, Probes(Names("abcd1234"), ThreadPoolExecutor(1)), lambda: None)


DOWN = LinkState()


def test_a_link_is_set_again_that_was_doubted_while_it_was_set() -> None:
    async def main() -> None:
        link = Link()
        reliance, spec = followed(link), gateway(TUNNEL)
        for doubt in (reliance.doubt, reliance.lost):
            reliance.doubt()
            link.set_to.clear()
            link.free.clear()
            link.under_way.clear()
            following = asyncio.ensure_future(reliance.follow(spec, TUNNEL, up=False))
            await link.under_way.wait()
            doubt()
            link.free.set()
            await following
            assert not reliance.up
            await reliance.follow(spec, TUNNEL, up=False)
            # and then it is known
            await reliance.follow(spec, TUNNEL, up=False)
            assert link.set_to == [DOWN, DOWN]

    asyncio.run(main())


def test_a_link_that_could_not_be_set_is_not_believed_to_be_as_it_was() -> None:
    async def main() -> None:
        link = Link()
        reliance, spec = followed(link), gateway(TUNNEL)
        await reliance.follow(spec, TUNNEL, up=True)
        link.trouble = "no"
        with pytest.raises(PlaneError):
            await reliance.follow(spec, TUNNEL, up=False)
        link.trouble = ""
        # whatever of it was done: it carries again, and is to be so
        await reliance.follow(spec, TUNNEL, up=True)
        assert [wanted.up for wanted in link.set_to] == [True, False, True]
        assert reliance.up

    asyncio.run(main())


ECHO = Echo("10.9.1.20", "172.16.1.2", 0xC001, 65535, 2**64 - 1)


def answer(packet: bytes, *, kind: int = 0) -> bytes:
    """What an honest host makes of a request."""
    return packet[:12] + packet[16:20] + packet[12:16] + bytes([kind]) + packet[21:]


def test_a_request_is_found_in_its_answer_and_in_nothing_else() -> None:
    packet = echoes.request(ECHO)
    assert echoes.read(answer(packet)) == ECHO
    # with options in its header
    optional = bytes([0x46]) + answer(packet)[1:20] + b"\1\1\1\0" + answer(packet)[20:]
    assert echoes.read(optional) == ECHO
    for other in (
        packet,
        answer(packet, kind=8),
        answer(packet)[:43],
        b"",
        b"\x45",
        bytes([0x4F]) + answer(packet)[1:],
    ):
        assert echoes.read(other) is None
    foreign = answer(packet)
    assert echoes.read(foreign[:30] + b"\0" + foreign[31:]) is None


@pytest.mark.parametrize("start", [0, 20])
def test_requests_have_checksums_that_hold(start: int) -> None:
    packet = echoes.request(ECHO)
    part = packet[start : start + 20] if start == 0 else packet[start:]
    total = sum(int.from_bytes(part[at : at + 2], "big") for at in range(0, len(part), 2))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF
