"""vSwitches that span hosts: two hosts are two network namespaces here, a plane in each, and machines talk across."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec
import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import inspection, survey
from gatewright.plane.linux.adopted_bridges import AdoptedBridges
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.vswitch import VSwitches
from gatewright.resources.specs import VSwitchSpec
from tests.plane.linux.lab import Lab, Told, links, opened, run, vswitch

Result = TypeVar("Result")


def spanning(*peers: str, generation: int = 1, vni: int = 77) -> VSwitchSpec:
    return msgspec.structs.replace(vswitch(generation=generation), vni=vni, peers=peers)


class TestHost:
    """A namespace that stands for a host. What is done on it is done by a thread that stays in it."""

    __test__ = False

    def __init__(self, name: str, lab: Lab, address: str) -> None:
        self.name, self.address = name, address
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        self._thread = ThreadPoolExecutor(1, initializer=enter, initargs=(name,))
        self.runtime = lab.runtime / name
        self.names = Names(lab.installation)
        self.vswitches = VSwitches(self.names, Folders(lab.installation, self.runtime), AdoptedBridges({}), address)

    def do(self, job: Callable[[], Result]) -> Result:
        return self._thread.submit(job).result(timeout=20)

    def apply(self, spec: VSwitchSpec) -> None:
        self.do(lambda: self.vswitches.apply(spec))

    def machine(self, address: str) -> None:
        """A machine in the vSwitch: a namespace with a leg in the bridge."""
        inside = f"{self.name}-m"
        run("ip", "netns", "add", inside)
        run("ip", "-n", self.name, "link", "add", "machine", "type", "veth", "peer", "name", "eth0", "netns", inside)
        run("ip", "-n", self.name, "link", "set", "machine", "up", "master", self.names.vswitch("vsw-1").name)
        run("ip", "-n", inside, "address", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", inside, "link", "set", "eth0", "up")

    def ping(self, address: str, *options: str) -> bool:
        told = run(
            *("ip", "netns", "exec", f"{self.name}-m", "ping", "-n", "-c", "1", "-W", "2", *options, address),
            check=False,
        )
        return " 1 received" in told

    def ping_until(self, address: str) -> bool:
        return any(self.ping(address) for _ in range(5))

    def floods(self) -> set[str]:
        device = self.names.vxlan("vsw-1").name
        entries = json.loads(run("bridge", "-n", self.name, "-j", "fdb", "show", "dev", device))
        return {entry["dst"] for entry in entries if entry["mac"] == "00:00:00:00:00:00"}

    def index(self) -> int:
        return int(links("-n", self.name)[self.names.vxlan("vsw-1").name]["ifindex"])

    def close(self) -> None:
        self._thread.shutdown()
        for name in (f"{self.name}-m", self.name):
            run("ip", "netns", "delete", name, check=False)


def enter(name: str) -> None:
    import ctypes
    import os

    descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
    assert ctypes.CDLL(None, use_errno=True).setns(descriptor, 0x40000000) == 0
    os.close(descriptor)


@pytest.fixture
def pair(lab: Lab) -> Iterator[tuple[TestHost, TestHost]]:
    """Two hosts on one wire."""
    names = [f"t{number}{lab.installation}" for number in (1, 2)]
    made = [TestHost(name, lab, f"10.200.0.1{number}") for number, name in enumerate(names, 1)]
    run("ip", "-n", names[0], "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", names[1])
    for host in made:
        run("ip", "-n", host.name, "address", "add", f"{host.address}/24", "dev", "wire")
        run("ip", "-n", host.name, "link", "set", "wire", "up")
    yield made[0], made[1]
    for host in made:
        host.close()


def test_machines_on_two_hosts_are_in_one_vswitch(pair: tuple[TestHost, TestHost]) -> None:
    one, two = pair
    one.apply(spanning(two.address))
    two.apply(spanning(one.address))
    one.machine("10.9.1.101")
    two.machine("10.9.1.102")
    assert one.ping_until("10.9.1.102")
    assert two.ping_until("10.9.1.101")
    # A packet of the machines' whole MTU gets through, in pieces; one that must not be cut makes its sender be told.
    assert one.ping("10.9.1.102", "-s", "1472", "-M", "dont")
    assert one.ping("10.9.1.102", "-s", "1400", "-M", "do")
    assert not one.ping("10.9.1.102", "-s", "1472", "-M", "do")
    route = run("ip", "-n", f"{one.name}-m", "route", "get", "10.9.1.102")
    assert "mtu 1450" in route


def test_peers_change_without_a_new_device(pair: tuple[TestHost, TestHost]) -> None:
    one, two = pair
    one.apply(spanning(two.address))
    two.apply(spanning(one.address))
    one.machine("10.9.1.101")
    two.machine("10.9.1.102")
    assert one.ping_until("10.9.1.102")
    before = one.index()
    one.apply(spanning(two.address, "10.200.0.99", generation=2))
    assert one.floods() == {two.address, "10.200.0.99"}
    assert one.ping("10.9.1.102")
    one.apply(spanning("10.200.0.99", generation=3))
    assert one.floods() == {"10.200.0.99"}
    assert one.index() == before
    # What was learned of the host that is no peer any more is forgotten with it.
    run("ip", "-n", f"{one.name}-m", "neigh", "flush", "all")
    assert not one.ping("10.9.1.102")
    one.apply(spanning(two.address, generation=4))
    assert one.ping_until("10.9.1.102")
    # Another number is another network.
    one.apply(spanning(two.address, generation=5, vni=78))
    run("ip", "-n", f"{one.name}-m", "neigh", "flush", "all")
    assert not one.ping("10.9.1.102")


def test_a_vswitch_that_spans_no_more_and_one_that_is_removed_leave_nothing(pair: tuple[TestHost, TestHost]) -> None:
    one, two = pair
    device, bridge = one.names.vxlan("vsw-1").name, one.names.vswitch("vsw-1").name
    one.apply(spanning(two.address))
    assert device in links("-n", one.name)
    one.apply(spanning(generation=2))
    assert device not in links("-n", one.name)
    assert bridge in links("-n", one.name)
    one.apply(spanning(two.address, generation=3))
    one.do(lambda: one.vswitches.remove("vsw-1"))
    assert not {device, bridge} & set(links("-n", one.name))


def test_a_number_that_is_taken_and_a_host_without_an_address_are_told(pair: tuple[TestHost, TestHost]) -> None:
    one, two = pair
    run(
        "ip",
        "-n",
        one.name,
        "link",
        "add",
        "theirs",
        "type",
        "vxlan",
        "id",
        "77",
        "dstport",
        "4789",
        "local",
        "10.1.1.1",
    )
    with pytest.raises(PlaneError, match="taken on this host by link theirs"):
        one.apply(spanning(two.address))
    homeless = VSwitches(two.names, Folders(two.names.installation, two.runtime), AdoptedBridges({}))
    with pytest.raises(PlaneError, match="start it with --underlay"):
        two.do(lambda: homeless.apply(spanning(one.address)))


def test_a_spanning_vswitch_is_adopted_only_whole(lab: Lab) -> None:
    """In the host's own namespace: a VXLAN to nobody carries no packet."""
    spec = spanning("10.200.0.12", vni=16_000_000)
    device = lab.names.vxlan(spec.id)

    async def main() -> None:
        plane = lab.plane(underlay="127.0.0.1")
        await plane.open(Told())
        await plane.apply(spec)
        await plane.close()
        async with opened(lab) as (_, found):
            assert found == {spec.key: 1}
        run("ip", "link", "set", device.name, "nomaster")
        async with opened(lab) as (_, found):
            assert found == {spec.key: 0}
        again, told = lab.plane(underlay="127.0.0.1"), Told()
        await again.open(told)
        await again.apply(spec)
        assert "master" in links()[device.name]
        # What is done to it by hand is seen at once, and mended.
        run("ip", "link", "delete", device.name)
        key, reason = await told.next(20)
        assert (key, "VXLAN" in reason) == (spec.key, True), reason
        await again.apply(spec)
        assert "master" in links()[device.name]
        # An agent that was killed between two steps leaves the device alone.
        run("ip", "link", "delete", lab.names.vswitch(spec.id).name)
        await again.remove(spec.key)
        await again.close()

    asyncio.run(main())
    assert lab.nothing_left()


@pytest.mark.parametrize(
    ("number", "local", "alias", "words"),
    [
        (77, "10.200.0.11", True, None),
        (99, "10.200.0.11", True, "has number 99 at 10.200.0.11, not 77 at 10.200.0.11"),
        (77, "10.200.0.111", True, "has number 77 at 10.200.0.111, not 77 at 10.200.0.11"),
        (77, "10.200.0.11", False, "somebody else's"),
    ],
)
def test_a_vxlan_that_somebody_made_anew_is_looked_at(
    pair: tuple[TestHost, TestHost], number: int, local: str, alias: bool, words: str | None
) -> None:
    one, two = pair
    spec = spanning(two.address)
    one.apply(spec)
    mark, bridge = one.names.vxlan("vsw-1"), one.names.vswitch("vsw-1").name
    ip = ("ip", "-n", one.name)
    run(*ip, "address", "add", "10.200.0.111/24", "dev", "wire")
    run(*ip, "link", "delete", mark.name)
    kind = ("type", "vxlan", "id", str(number), "local", local, "dstport", "4789")
    run(*ip, "link", "add", mark.name, "address", mark.mac, *kind)
    run(*ip, "link", "set", mark.name, "master", bridge, "up")
    if alias:
        run(*ip, "link", "set", mark.name, "alias", mark.alias)
    run("bridge", "-n", one.name, "fdb", "append", "00:00:00:00:00:00", "dev", mark.name, "dst", two.address)
    folders = Folders(one.names.installation, one.runtime)

    def found() -> tuple[str | None, int]:
        seen = survey.take(one.names, folders, underlay=one.address)
        generation, _ = survey.adopt(seen, one.names, folders.of(spec.key), folders.own())
        return inspection.fault(one.names, folders, spec, underlay=one.address), generation

    said, generation = one.do(found)
    assert generation == (1 if words is None else 0)
    assert said is None if words is None else words in str(said)
    one.apply(spec)
    assert one.do(found) == (None, 1)
