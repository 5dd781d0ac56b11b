"""The ordered bandwidth is what gets through, in both directions, and changing it loses nothing."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane, netns, shaping, sysctl
from gatewright.plane.linux.rtnl import Rtnl
from gatewright.plane.linux.traffic_control import Discipline, Foreign, SelectiveBucket, TokenBucket, TrafficControl
from gatewright.resources.regions import PRIVATE_BANDWIDTHS, PUBLIC_BANDWIDTHS
from gatewright.resources.specs import InstanceSpec
from tests.plane.linux.lab import Lab, instance, links, opened, play, run, vswitch
from tests.plane.linux.peer import DIRECTIONS, Direction, Peer, flooded, passed, plugged

PEER = "198.51.100.77"
#: linux/rtnetlink.h: family, type, index, flags, mask.
LINK, RTM_GETLINK = struct.Struct("=BxHiII"), 18
IFF_UP = 1


@pytest.mark.parametrize(
    ("mbit", "rate", "burst", "queue"),
    [
        (1, 125_000, 24_224, 9_278),
        (10, 1_250_000, 5_000, 68_750),
        (100, 12_500_000, 5_000, 687_500),
        (1000, 125_000_000, 5_000, 6_875_000),
    ],
)
def test_the_numbers(mbit: int, rate: int, burst: int, queue: int) -> None:
    assert shaping.shape(mbit) == shaping.Shape(rate, burst, queue)


def test_two_frames_fit_into_every_burst() -> None:
    for mbit in range(1, 1001):
        numbers = shaping.shape(mbit)
        assert numbers.rate * numbers.burst / 1e6 >= 2 * 1514
        assert numbers.queue * 8 / 1e6 / mbit < 0.1  # seconds that a packet may have to wait


def test_no_bandwidth_is_none() -> None:
    with pytest.raises(PlaneError, match="at least 1 Mbit/s, not 0"):
        shaping.shape(0)


def test_what_is_shaped_where() -> None:
    bucket = TokenBucket(1_250_000, 5_000, 68_750)
    assert shaping.wanted(instance(), "wan") == shaping.Directions(bucket, bucket)
    assert shaping.wanted(instance(), "lan") == shaping.Directions(None, None)
    sent = SelectiveBucket(1_250_000, 5_000, 45, "source", "10.9.1.1")
    arriving = SelectiveBucket(1_250_000, 5_000, 45, "destination", "10.9.1.1")
    assert shaping.wanted(instance(public=None), "lan") == shaping.Directions(sent, arriving)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "and has none"),
        (TokenBucket(2_500_000, 5_000, 68_750), "tbf of 10 Mbit/s .* and has tbf of 20 Mbit/s"),
        (TokenBucket(1_250_000, 5_000, 1), "68750 bytes of queue and has .* 1 bytes of queue"),
        (Foreign("pfifo 8001:"), "and has pfifo 8001:"),
    ],
)
def test_a_fault_says_what_is_wrong(found: TokenBucket | Foreign | None, words: str) -> None:
    directions = shaping.wanted(instance(), "wan")
    assert shaping.difference(directions, directions.out, directions.into) is None
    with pytest.raises(AssertionError, match=f"what the instance sends is not shaped as ordered: .*{words}"):
        raise AssertionError(shaping.difference(directions, found, directions.into))
    with pytest.raises(AssertionError, match=f"what the instance is sent is not shaped as ordered: .*{words}"):
        raise AssertionError(shaping.difference(directions, directions.out, found))


@pytest.fixture
def pair(linux_host: None) -> Iterator[tuple[Rtnl, int]]:
    """A socket in a namespace of its own, and the index of a link in it whose other end is up."""
    with netns.temporary(), Rtnl() as inside:
        sysctl.quiet_ipv6("all")  # it would send packets of its own
        run("ip", "link", "add", "name", "left", "type", "veth", "peer", "name", "right")
        run("ip", "address", "add", "192.0.2.1/24", "dev", "left")
        run("ip", "link", "set", "right", "up", "address", "02:00:00:00:00:02")
        run("ip", "link", "set", "left", "up")
        run("ip", "neigh", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:02", "dev", "left")
        yield inside, links()["left"]["ifindex"]


@pytest.mark.parametrize("mbit", sorted({1, 2, 3, 7, *PUBLIC_BANDWIDTHS, *PRIVATE_BANDWIDTHS}))
def test_what_is_read_is_what_was_set(pair: tuple[Rtnl, int], mbit: int) -> None:
    """At every rate: else it would be set again and again."""
    inside, index = pair
    for spec, leg in ((instance(bandwidth=mbit), "wan"), (instance(bandwidth=mbit, public=None), "lan")):
        directions = shaping.wanted(spec, leg)
        for one in (directions.out, directions.into, None):
            assert inside.traffic.set(index, one) or one == directions.out
            assert inside.traffic.read(index) == one
            assert not inside.traffic.set(index, one)


@pytest.mark.parametrize("selective", [False, True])
def test_a_change_keeps_the_packets_that_wait(pair: tuple[Rtnl, int], selective: bool) -> None:
    inside, index = pair

    def bucket(rate: int, limit: int) -> TokenBucket | SelectiveBucket:
        if selective:
            return SelectiveBucket(rate, 3_000_000_000 // rate, limit, "source", "192.0.2.1")
        return TokenBucket(rate, 3_000_000_000 // rate, limit * 2000)

    inside.traffic.set(index, bucket(1_000, 50))
    before = _received()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(30):
            sender.sendto(bytes(1000), ("192.0.2.2", 9))
    assert _received() - before < 5
    inside.traffic.set(index, bucket(2_000, 40))
    inside.traffic.set(index, bucket(1_000_000, 60))
    deadline = time.monotonic() + 5
    while _received() - before < 30 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _received() - before == 30


def _received() -> int:
    """Packets that arrived at the link ``right`` of the thread's namespace."""
    table = Path("/proc/thread-self/net/dev").read_text().splitlines()
    return int(next(line for line in table if line.strip().startswith("right:")).split()[2])


def _measure(lab: Lab, spec: InstanceSpec, direction: Direction, namespace: str, here: str, there: str) -> None:
    """The counters of the receiving link, over a window with more to send than gets through."""
    inside, link = lab.namespace(spec), "lan" if spec.public is None else "wan"
    ends = (inside, namespace, there, here) if direction == "out" else (namespace, inside, here, there)
    sender, receiver, to, own = ends
    with flooded(sender, receiver, to, own, spec.bandwidth * 1.4):
        _until_it_flows(receiver, "eth" if direction == "out" else link)
        windows = []
        for _ in range(3):
            windows.append(passed(receiver, "eth" if direction == "out" else link, 3))
            assert windows[-1].least < spec.bandwidth * 1.02, windows
            if windows[-1].most > spec.bandwidth * 0.98:
                return
    raise AssertionError(f"not 0.98 of {spec.bandwidth} Mbit/s in any window: {windows}")


def _until_it_flows(namespace: str, link: str) -> None:
    deadline = time.monotonic() + 10
    while passed(namespace, link, 0.2).most < 1:
        assert time.monotonic() < deadline, "nothing gets through"


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("mbit", [10, 100])
def test_the_ordered_bandwidth_is_on_the_wire(lab: Lab, mbit: int, direction: Direction) -> None:
    """Within 2 %: never more, and as much in one of three windows, for others may have the processor in one."""
    spec = instance(bandwidth=mbit, ipsec=False)

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        lab.open_wide(spec)
        with plugged(lab, lab.names.uplink.name, f"{PEER}/24") as peer:
            await asyncio.to_thread(_measure, lab, spec, direction, peer.namespace, "198.51.100.1", PEER)

    play(lab, scenario)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_private_gateway_is_shaped_in_what_it_sends_and_is_sent_itself(lab: Lab, direction: Direction) -> None:
    spec = instance(bandwidth=10, public=None, ipsec=False)

    def others(peer: Peer) -> None:
        """Packets of the VPC, which only pass through, are as fast as ever."""
        lab.ip(spec, "address", "add", "10.200.0.1/32", "dev", "lan")
        run("ip", "-n", peer.namespace, "route", "add", "10.200.0.1", "via", "10.9.1.1")
        peer.inside("ping", "-c", "1", "-W", "2", "10.9.1.1")  # the guard lets nobody ask as 10.200.0.1
        ends = (lab.namespace(spec), peer.namespace, "10.9.1.77", "10.200.0.1")
        if direction == "in":
            ends = (peer.namespace, lab.namespace(spec), "10.200.0.1", "10.9.1.77")
        with flooded(*ends, 50):
            deadline = time.monotonic() + 10
            while passed(ends[1], "eth" if direction == "out" else "lan", 0.5).least < 30:
                assert time.monotonic() < deadline, "the others are shaped too"

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        lab.open_wide(spec)
        with plugged(lab, lab.names.vswitch("vsw-1").name, "10.9.1.77/24") as peer:
            await asyncio.to_thread(_measure, lab, spec, direction, peer.namespace, "10.9.1.1", "10.9.1.77")
            await asyncio.to_thread(others, peer)

    play(lab, scenario)


def _socket(namespace: str, own: str, other: str) -> socket.socket:
    with netns.entered(namespace):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    made.settimeout(5)
    made.bind((own, 4000))
    made.connect((other, 4000))
    return made


class Stream:
    """UDP packets with numbers from one socket to another, 500 a second of 1,000 bytes: 4 Mbit/s."""

    def __init__(self, sending: socket.socket, receiving: socket.socket) -> None:
        self._sending, self._receiving = sending, receiving
        self._stop = threading.Event()
        self.sent = 0
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        begun = time.monotonic()
        while not self._stop.wait(max(0.0, begun + self.sent / 500 - time.monotonic())):
            self._sending.send(self.sent.to_bytes(4, "big") + bytes(996))
            self.sent += 1

    def end(self) -> list[int]:
        """The numbers of the packets that arrived; the last one is waited for."""
        self._stop.set()
        self._thread.join(5)
        numbers: list[int] = []
        while not numbers or numbers[-1] != self.sent - 1:
            numbers.append(int.from_bytes(self._receiving.recv(2000)[:4], "big"))
        return numbers


@pytest.mark.parametrize("public", [("198.51.100.1",), None])
def test_a_changed_bandwidth_loses_no_packet(lab: Lab, public: tuple[str, ...] | None) -> None:
    spec = instance(public=public, ipsec=False)
    own, there = ("198.51.100.1", PEER) if public else ("10.9.1.1", "10.9.1.77")
    bridge = lab.names.uplink if public else lab.names.vswitch("vsw-1")

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        with (
            plugged(lab, bridge.name, f"{there}/24") as peer,
            _socket(lab.namespace(spec), own, there) as near,
            _socket(peer.namespace, there, own) as far,
        ):
            near.send(b"begin")  # what comes back are answers: the filters let nothing else in
            assert far.recv(100) == b"begin"
            streams = [Stream(near, far), Stream(far, near)]
            for generation, mbit in enumerate((100, 10, 200, 5, 1000, 10), 2):
                before = streams[1].sent
                while streams[1].sent < before + 100:
                    await asyncio.sleep(0.01)
                await plane.apply(instance(generation=generation, bandwidth=mbit, public=public, ipsec=False))
            for stream in streams:
                assert stream.end() == list(range(stream.sent))
                assert stream.sent > 600

    play(lab, scenario)


async def _fault(lab: Lab, spec: InstanceSpec) -> str | None:
    def look() -> str | None:
        with Rtnl() as host:
            with netns.entered(lab.namespace(spec)):
                inside = Rtnl()
            with inside:
                outer = host.find(shaping.mark(lab.names, spec).name)
                assert outer is not None
                return shaping.fault(spec, host, outer, inside)

    return await asyncio.to_thread(look)


@pytest.mark.parametrize("public", [("198.51.100.1",), None])
def test_what_somebody_did_to_the_shaping_is_seen_and_put_right(lab: Lab, public: tuple[str, ...] | None) -> None:
    spec = instance(public=public, ipsec=False)
    leg = "wan" if public else "lan"
    there, here = lab.names.wan("vpn-1").name if public else lab.names.lan("vpn-1").name, lab.namespace(spec)
    deeds = [
        ("delete", "root"),
        ("replace", "root", "pfifo"),
        ("replace", "root", "tbf", "rate", "11mbit", "burst", "6875", "limit", "68750"),
    ]
    if public:
        deeds.append(("change", "root", "handle", "1:", "tbf", "rate", "99mbit", "burst", "61875", "limit", "68750"))

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(spec)
            assert await _fault(lab, spec) is None
        for where, way in ((("-n", here), "sends"), ((), "is sent")):
            for verb, *deed in deeds:
                run("tc", *where, "qdisc", verb, "dev", leg if where else there, *deed)
                seen = run("tc", *where, "qdisc", "show", "dev", leg if where else there)
                assert f"what the instance {way} is not shaped as ordered" in (await _fault(lab, spec) or "")
                assert run("tc", *where, "qdisc", "show", "dev", leg if where else there) == seen
                async with opened(lab) as (plane, found):
                    assert found[spec.key] == 0
                    await plane.apply(spec)
                assert await _fault(lab, spec) is None
                async with opened(lab) as (plane, found):
                    assert found[spec.key] == 1

    asyncio.run(asyncio.wait_for(scenario(), 60))


@pytest.mark.parametrize(
    "deed",
    [
        "class change dev lan parent 1: classid 1:1 htb rate 99mbit ceil 99mbit",
        "qdisc change dev lan handle 2: parent 1:1 pfifo limit 7",
        "qdisc delete dev lan handle 2: parent 1:1",
        "filter delete dev lan parent 1:",
        "filter add dev lan parent 1: protocol ip prio 1 u32 match ip src 10.0.0.1 flowid 1:1",
        "class add dev lan parent 1: classid 1:2 htb rate 9mbit",
    ],
)
def test_every_part_of_the_selective_shaper_is_looked_at(lab: Lab, deed: str) -> None:
    spec = instance(public=None, ipsec=False)

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        run("tc", "-n", lab.namespace(spec), *deed.split())
        assert "what the instance sends is not shaped as ordered" in (await _fault(lab, spec) or "")
        await plane.apply(spec)
        assert await _fault(lab, spec) is None

    play(lab, scenario)


def test_a_changed_address_is_the_one_that_is_shaped(lab: Lab) -> None:
    moved = instance(generation=2, public=None, ipsec=False, address="10.9.1.9")

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance(public=None, ipsec=False))
        await plane.apply(moved)
        assert await _fault(lab, moved) is None
        assert "10.9.1.9" in (await _fault(lab, instance(public=None)) or "")

    play(lab, scenario)


def test_a_leg_is_shaped_before_it_is_up_and_what_is_right_is_not_touched(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = []
    real = TrafficControl._put

    def put(self: TrafficControl, index: int, found: Discipline, bucket: TokenBucket | SelectiveBucket | None) -> None:
        told = self._netlink.ask(RTM_GETLINK, LINK.pack(0, 0, index, 0, 0))
        assert told is not None
        flags.append(LINK.unpack_from(told)[3])
        real(self, index, found, bucket)

    monkeypatch.setattr(TrafficControl, "_put", put)

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance(ipsec=False))
        await plane.apply(instance(2, address="10.9.1.2", public=None, ipsec=False))
        assert [one & IFF_UP for one in flags] == [0] * 4
        await plane.apply(instance(ipsec=False))
        await plane.apply(instance(2, address="10.9.1.2", public=None, ipsec=False))
        assert len(flags) == 4
        await plane.apply(instance(generation=2, bandwidth=100, ipsec=False))
        assert len(flags) == 6

    play(lab, scenario)


def test_nothing_of_a_private_gateways_shaping_stays_when_it_becomes_public(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance(public=None, ipsec=False))
        assert lab.qdiscs(instance()) == {"lan": "htb"}
        await plane.apply(instance(generation=2, ipsec=False))
        assert lab.qdiscs(instance()) == {"lan": "noqueue", "wan": "tbf"}
        await plane.apply(instance(generation=3, public=None, ipsec=False))
        assert lab.qdiscs(instance()) == {"lan": "htb"}

    play(lab, scenario)
