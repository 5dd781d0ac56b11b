"""A VPC's router follows what its gateways' instances can reach: real BIRDs in both, with nobody's help in between.

Links of tunnels are made by hand here: veths into namespaces that stand for customers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane, bird, inspection
from gatewright.plane.linux.bird_client import BfdState, BirdClient, Session
from gatewright.plane.linux.bird_config import SERVED_METRIC
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.router_plan import STAND_IN_METRIC
from gatewright.plane.linux.tunnels import marks
from gatewright.resources.specs import InstanceSpec, ItemKey, RouterSpec
from gatewright.resources.tunnels import EVERYWHERE, Announcement, BgpSpec, RouterNeighbour, SecretRef, TunnelSpec
from tests.plane.linux.lab import Lab, Told, instance, kill, opened, play, router, run, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.support.tunnels import tunnel


class NoTunnels:
    """A back end that makes nothing: links of tunnels come from the tests."""

    def served(self, _: InstanceSpec) -> Sequence[TunnelSpec]:
        return ()

    def found(self, _: str) -> Collection[int]:
        return ()

    def stands(self, _: InstanceSpec) -> bool:
        return True

    def taken(self, _: InstanceSpec) -> Collection[int]:
        return ()

    def faults(
        self, _: InstanceSpec, _within: Collection[int] | None = None, _left_out: Collection[int] = ()
    ) -> Iterator[str]:
        return iter(())


@pytest.fixture(autouse=True)
def links_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewright.plane.linux.tunnels.backends.choose", lambda *_: NoTunnels())


BEHIND = "172.16.0.0/16"
ONE, OTHER = "10.9.1.1", "10.9.2.2"


def end(number: int, role: str) -> InstanceSpec:
    """One of a gateway's two instances, each with one end of a connection."""
    return msgspec.structs.replace(
        instance(number, vswitch=number, public=(f"198.51.100.{number}",)),
        role=role,
        tunnels=(tunnel(f"tun-{number}", number),),
        announced=(Announcement(destination=BEHIND, tunnels=(number,)),),
        vpc_networks=("10.9.0.0/16",),
    )


MASTER, SLAVE = end(1, "master"), end(2, "slave")
GATEWAYS = (
    RouterNeighbour(instance_id=MASTER.id, address=ONE, preference=200),
    RouterNeighbour(instance_id=SLAVE.id, address=OTHER, preference=100),
)
ENTRIES = {BEHIND: (ONE, OTHER), "172.30.0.0/16": ("10.9.1.50",)}
ROUTER = msgspec.structs.replace(router(tables={"vtb-1": ENTRIES}), gateways=GATEWAYS)


def routes_to(lab: Lab, destination: str) -> list[str]:
    """Of the router's tables, as they are looked up: the first is used."""
    lines = lab.ip(ROUTER, "route", "show", "table", "all", destination).splitlines()
    return [f"{words[words.index('via') + 1]} metric {words[-1]}" for words in (line.split() for line in lines)]


def by(address: str) -> str:
    return f"{address} metric {SERVED_METRIC}"


STAND_IN = f"{ONE} metric {STAND_IN_METRIC}"


def watched(lab: Lab, holds: Callable[[], bool], seconds: float = 15) -> bool:
    """Whether it holds, now or once the router's routes have changed."""
    command = ["timeout", str(seconds), "ip", "-n", lab.namespace(ROUTER), "monitor", "route"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as monitor:
        try:
            while not (found := holds()):
                # a line a change, and an end when it took too long
                if monitor.stdout is None or not monitor.stdout.readline():
                    return holds()
            return found
        finally:
            monitor.kill()


def moves_to(lab: Lab, address: str) -> bool:
    return watched(lab, lambda: routes_to(lab, BEHIND) == [by(address), STAND_IN])


def bird_of(lab: Lab, spec: InstanceSpec | RouterSpec) -> int:
    with BirdClient(socket_of(lab, spec), 5) as client:
        return client.peer


def socket_of(lab: Lab, spec: InstanceSpec | RouterSpec) -> Path:
    return bird.socket_of(Folders(lab.installation, lab.runtime).of(spec.key))


@contextlib.contextmanager
def customer(lab: Lab, spec: InstanceSpec, number: int) -> Iterator[Machine]:
    """What is behind a tunnel's link, which is made here and is up."""
    machine = Machine(f"customer{number}-{lab.installation}")
    run("ip", "netns", "add", machine.name)
    try:
        pair = ("link", "add", f"tun{number}", "type", "veth", "peer", "name", "eth", "netns", machine.name)
        lab.ip(spec, *pair)
        machine.ip("address", "add", f"169.254.{number}.2/30", "dev", "eth")
        machine.ip("link", "set", "lo", "up")
        machine.ip("link", "set", "eth", "up")
        lab.ip(spec, "address", "add", f"169.254.{number}.1/30", "dev", f"tun{number}")
        lab.ip(spec, "link", "set", f"tun{number}", "up")
        yield machine
    finally:
        run("ip", "netns", "delete", machine.name)


def mark(lab: Lab, spec: InstanceSpec, number: int) -> None:
    """Say that a tunnel is steady."""
    address = f"{marks.steady(number).address}/{marks.PREFIX}"
    lab.ip(spec, "address", "add", address, "dev", f"tun{number}", "scope", "host", "noprefixroute")


async def build(plane: LinuxPlane, *specs: InstanceSpec | RouterSpec) -> None:
    for number in (1, 2):
        await plane.apply(vswitch(number))
    await asyncio.gather(*(plane.apply(spec) for spec in specs))


def in_plane(lab: Lab, scenario: Callable[[LinuxPlane, Mapping[ItemKey, int], Told], Awaitable[None]]) -> None:
    """Do it with a plane that is opened for it and closed again."""

    async def main() -> None:
        told = Told()
        async with asyncio.timeout(60), opened(lab, told) as (plane, found):
            await scenario(plane, found, told)

    asyncio.run(main())


@contextlib.contextmanager
def monitored(lab: Lab) -> Iterator[list[str]]:
    """What becomes of the router's routes in the block, as ``ip`` tells it; complete after the block."""
    seen: list[str] = []
    command = ["ip", "-n", lab.namespace(ROUTER), "monitor", "route"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as monitor:
        try:
            yield seen
        finally:
            monitor.terminate()
            seen += monitor.communicate()[0].splitlines()


def test_the_router_follows_tunnels_without_anybodys_help(lab: Lab) -> None:
    pids: dict[str, int] = {}

    async def make(plane: LinuxPlane, _: Mapping[ItemKey, int], __: Told) -> None:
        await build(plane, MASTER, SLAVE, ROUTER)
        assert routes_to(lab, BEHIND) == [STAND_IN], "nobody offers it yet"
        pids.update({spec.id: bird_of(lab, spec) for spec in (MASTER, SLAVE, ROUTER)})

    in_plane(lab, make)
    with customer(lab, MASTER, 1), customer(lab, SLAVE, 2):
        # nobody but the BIRDs is there
        assert moves_to(lab, ONE)
        lab.ip(MASTER, "link", "set", "tun1", "down")
        assert moves_to(lab, OTHER)
        lab.ip(MASTER, "link", "set", "tun1", "up")
        assert moves_to(lab, ONE)
        # one that has carried for long is preferred to one that has just come
        mark(lab, SLAVE, 2)
        assert moves_to(lab, OTHER)
        mark(lab, MASTER, 1)
        assert moves_to(lab, ONE)
        # the whole instance is cut off: its BIRD can tell nobody
        leg = lab.names.lan(MASTER.id).name
        run("ip", "link", "set", leg, "down")
        assert moves_to(lab, OTHER)
        run("ip", "link", "set", leg, "up")
        assert moves_to(lab, ONE)
        for spec, number in ((MASTER, 1), (SLAVE, 2)):
            lab.ip(spec, "link", "set", f"tun{number}", "down")
        assert watched(lab, lambda: routes_to(lab, BEHIND) == [STAND_IN])
        lab.ip(SLAVE, "link", "set", "tun2", "up")
        assert moves_to(lab, OTHER)

        # the router's BIRD dies: what it has set stands, also while a new one comes up
        kill(pids[ROUTER.id])

        async def mend_router(plane: LinuxPlane, found: Mapping[ItemKey, int], _: Told) -> None:
            assert (found[MASTER.key], found[SLAVE.key], found[ROUTER.key]) == (1, 1, 0)
            await asyncio.gather(*(plane.apply(spec) for spec in (MASTER, SLAVE, ROUTER)))

        with monitored(lab) as seen:
            in_plane(lab, mend_router)
            lab.ip(MASTER, "link", "set", "tun1", "up")
            assert moves_to(lab, ONE)
        gone = [line for line in seen if line.startswith(f"Deleted {BEHIND} via {OTHER}")]
        assert gone == [], "but for another one in its place"
        assert bird_of(lab, ROUTER) != pids[ROUTER.id]
        assert [bird_of(lab, spec) for spec in (MASTER, SLAVE)] == [pids[MASTER.id], pids[SLAVE.id]], "as they were"

        async def mend_master(plane: LinuxPlane, found: Mapping[ItemKey, int], told: Told) -> None:
            assert found[ROUTER.key] == 1
            os.kill(pids[MASTER.id], signal.SIGKILL)
            assert await told.next() == (MASTER.key, f"bird: process {pids[MASTER.id]} was ended by SIGKILL")
            await plane.apply(MASTER)
            assert await asyncio.to_thread(moves_to, lab, ONE)
            # looking finds nothing: BIRD's routes are no faults
            assert inspection.fault(lab.names, Folders(lab.installation, lab.runtime), ROUTER) is None
            assert inspection.fault(lab.names, Folders(lab.installation, lab.runtime), MASTER) is None
            assert told.nothing

        in_plane(lab, mend_master)


def test_birds_come_and_go_with_tunnels_and_gateways(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane, _: Mapping[ItemKey, int], told: Told) -> None:
        await build(plane, MASTER, ROUTER)
        with customer(lab, MASTER, 1):
            assert await asyncio.to_thread(moves_to, lab, ONE)
            before = bird_of(lab, MASTER), bird_of(lab, ROUTER)
            # one more destination, in place
            more = Announcement(destination="172.17.0.0/16", tunnels=(1,))
            await plane.apply(msgspec.structs.replace(MASTER, generation=2, announced=(*MASTER.announced, more)))
            entries = msgspec.structs.replace(
                router(tables={"vtb-1": ENTRIES | {"172.17.0.0/16": (ONE,)}}), gateways=GATEWAYS, generation=2
            )
            with monitored(lab) as seen:
                await plane.apply(entries)
                assert await asyncio.to_thread(watched, lab, lambda: routes_to(lab, "172.17.0.0/16")[:1] == [by(ONE)])
            assert not [line for line in seen if BEHIND in line], "what is the same is not disturbed"
            assert (bird_of(lab, MASTER), bird_of(lab, ROUTER)) == before
            # another one's entries are nobody's business who is not asked
            assert routes_to(lab, "172.30.0.0/16") == ["10.9.1.50 metric static"]
            await plane.apply(router(tables={"vtb-1": ENTRIES}, generation=3))
            assert routes_to(lab, BEHIND) == [f"{ONE} metric static"]
            assert not socket_of(lab, ROUTER).exists()
            await plane.apply(msgspec.structs.replace(MASTER, generation=3, tunnels=(), announced=()))
            assert lab.processes(MASTER) == []
            assert not socket_of(lab, MASTER).exists()
        await build(plane, MASTER, ROUTER)
        assert told.nothing
        # somebody has taken the files away: what runs is found all the same
        for spec in (MASTER, ROUTER):
            shutil.rmtree(Folders(lab.installation, lab.runtime).of(spec.key).path)
        for key in (MASTER.key, ROUTER.key, vswitch(1).key, vswitch(2).key):
            await plane.remove(key)
        assert lab.nothing_left()

    in_plane(lab, scenario)


_CUSTOMER = """
router id 169.254.1.2;
protocol device { }
protocol kernel { ipv4 { import none; export where proto = "the_gateway"; }; }
protocol bfd { interface "eth" { min rx interval 100 ms; min tx interval 100 ms; multiplier 3; }; }
protocol static networks_here { ipv4; route 192.168.5.0/24 blackhole; route 10.9.1.0/24 blackhole; }
protocol bgp the_gateway {
  local 169.254.1.2 as 65010; neighbor 169.254.1.1 as 65001; password "a key"; direct; bfd yes;
  connect retry time 1; connect delay time 1; error wait time 1, 2;
  ipv4 { import all; export where proto = "networks_here"; };
}
"""
KEY = SecretRef("cgw-1", 1)


def test_what_a_customer_announces_is_reached_from_the_vpc(lab: Lab, machines: Machines) -> None:
    session = BgpSpec(
        local_asn=65001,
        peer_asn=65010,
        network="169.254.1.0/30",
        local_address="169.254.1.1",
        peer_address="169.254.1.2",
        key=KEY,
    )
    routed = tunnel("tun-1", 1, bgp=session, local_subnets=(EVERYWHERE,), remote_subnets=(EVERYWHERE,))
    spec = msgspec.structs.replace(MASTER, tunnels=(routed,), announced=(), auto_propagate=True)
    table = msgspec.structs.replace(ROUTER.tables[0], learns=True)
    learning = msgspec.structs.replace(ROUTER, tables=(table,))

    async def reveal(references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        return {reference: "a key" for reference in references if reference == KEY}

    async def main() -> None:
        plane = lab.plane()
        async with asyncio.timeout(60):
            await plane.open(Told(), reveal=reveal)
            try:
                await build(plane, spec, learning)
                with customer(lab, spec, 1) as site:
                    await asyncio.to_thread(check, site)
                nobodys = msgspec.structs.replace(session, key=SecretRef("cgw-9", 1))
                other = msgspec.structs.replace(spec, tunnels=(tunnel("tun-1", 1, bgp=nobodys),))
                before = bird_of(lab, spec)
                with pytest.raises(PlaneError, match="nobody knows the BGP key cgw-9"):
                    await plane.apply(other)
                assert bird_of(lab, spec) == before
            finally:
                await plane.close()

    def check(site: Machine) -> None:
        inside = machines.plug(lab.names.vswitch("vsw-1").name, "10.9.1.20/24", "10.9.1.253")
        site.ip("address", "add", "192.168.5.1/32", "dev", "lo")
        folder = lab.runtime / "customer"
        folder.mkdir()
        (folder / "bird.conf").write_text(_CUSTOMER)
        command = [bird.EXECUTABLE, "-f", "-c", str(folder / "bird.conf"), "-s", str(folder / "control")]
        with subprocess.Popen(["ip", "netns", "exec", site.name, *command]) as theirs:
            try:
                assert watched(lab, lambda: routes_to(lab, "192.168.5.0/24") == [by(ONE)])
                assert inside.reaches("192.168.5.1")
                assert site.reaches("10.9.1.20", "-I", "192.168.5.1")
                (ours,) = (one for one in sessions(lab, spec) if one.name == "customer_1")
                assert (ours.up, ours.learned, ours.neighbour) == (True, 1, "169.254.1.2")
                told = site.ip("route", "show", "proto", "bird")
                assert told.split()[:3] == ["10.9.0.0/16", "via", "169.254.1.1"]
                assert ours.bfd is BfdState.UP
            finally:
                theirs.terminate()
        # it has said goodbye: what it announced is gone
        assert watched(lab, lambda: routes_to(lab, "192.168.5.0/24") == [])
        shutil.rmtree(folder)

    asyncio.run(main())


def sessions(lab: Lab, spec: InstanceSpec) -> list[Session]:
    with BirdClient(socket_of(lab, spec), 5) as client:
        return client.sessions()


def test_only_gateways_reach_the_routers_bgp_and_only_the_router_an_instances(lab: Lab, machines: Machines) -> None:
    def refuses(machine: Machine, address: str) -> bool:
        """Whether a connection to BGP's port is not even answered."""
        script = f"timeout 0.5 bash -c '</dev/tcp/{address}/179'; echo $?"
        return machine.run("bash", "-c", script, check=False).split()[-1] == "124"

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, MASTER, ROUTER)
        stranger = machines.plug(lab.names.vswitch("vsw-1").name, "10.9.1.20/24", "10.9.1.253")
        outside = machines.plug(lab.names.uplink.name, "198.51.100.77/24", "198.51.100.1")
        with customer(lab, MASTER, 1) as site:
            for machine, address in (
                (stranger, "10.9.1.253"),
                (stranger, ONE),
                (outside, "198.51.100.1"),
                (site, "169.254.1.1"),
            ):
                assert await asyncio.to_thread(refuses, machine, address), address
            assert await asyncio.to_thread(moves_to, lab, ONE)

    play(lab, scenario)
