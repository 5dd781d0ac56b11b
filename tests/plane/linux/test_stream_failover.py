"""A stream through a dual-tunnel gateway goes on whatever becomes of the half that carries it, and goes back to it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gatewright.plane.linux import bird, esp
from gatewright.plane.linux.bird_client import BirdClient
from gatewright.plane.linux.folders import Folders
from tests.plane.linux.lab import kill
from tests.plane.linux.two_connections import Device, two_connections
from tests.plane.linux.two_tunnels import NETWORK, until
from tests.plane.linux.two_ways import UP, TwoWays, two_ways
from tests.support.linux import clean, unmet
from tests.support.service import Service, halves_of


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    if unmet():
        pytest.skip(unmet())
    data = tmp_path_factory.mktemp("ways") / "data"
    with Service(data, plane="linux", arguments=("--health-interval", "100")) as made:
        yield made
        made.stop()
        clean(made.installation)


@pytest.fixture
def service(started: Service) -> Service:
    """The one for all tests here. It runs, also after a test that has killed it and then failed."""
    if started.process is None or started.process.poll() is not None:
        started.kill()
        started.start()
    return started


@pytest.fixture(scope="module")
def built(started: Service) -> Iterator[TwoWays]:
    with two_ways(started) as made:
        yield made


@pytest.fixture
def ways(built: TwoWays, service: Service) -> TwoWays:
    """One for all tests here. It is whole, also after a test that has done harm to it and then failed."""
    built.client = service.client()
    until(built.mend, "the master's public leg")
    built.whole()
    return built


@contextmanager
def routes_of(ways: TwoWays) -> Iterator[list[str]]:
    """What becomes of routes to the site at the VPC's router and to the VPC at the site; complete after the block."""
    seen: list[str] = []
    monitors = [
        subprocess.Popen(["ip", "-n", name, "monitor", "route"], stdout=subprocess.PIPE, text=True)
        for name in (ways.names.router_namespace(ways.vpc), ways.site.core.name)
    ]
    try:
        until(lambda: all(listens(monitor.pid) for monitor in monitors), "monitors of routes")
        yield seen
    finally:
        for monitor in monitors:
            monitor.terminate()
            seen += [line for line in monitor.communicate()[0].splitlines() if NETWORK in line or "10.0.0.0/8" in line]


def listens(pid: int) -> bool:
    """Whether a process has a netlink socket that something is told to."""
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            held.add(str(descriptor.readlink()))
    rows = [line.split() for line in Path(f"/proc/{pid}/net/netlink").read_text().splitlines()[1:]]
    return any(int(row[3], 16) and f"socket:[{row[9]}]" in held for row in rows)


def bgp_error(ways: TwoWays) -> str:
    """Why the master's BGP session with the site ended last."""
    folder = Folders(ways.names.installation, Path("/run/gatewright")).of(ways.instance().key)
    with BirdClient(bird.socket_of(folder), 5) as client:
        return next(one.last_error for one in client.sessions() if one.name.startswith("customer_"))


def test_with_its_public_leg_cut_and_nobody_there_but_the_daemons(ways: TwoWays) -> None:
    with ways.stream() as stream:
        stream.goes_on()
        with routes_of(ways) as seen:
            ways.service.kill()
            stream.goes_on(gone := stream.now())
        assert (stream.lost(), seen) == (0, [])
        ways.cut()
        stream.goes_on(stream.now())
        assert ways.ways() == ("slave", "slave")
        assert "BFD" in bgp_error(ways)
        mended = stream.now()
        ways.cut(mended=True)
        until(lambda: ways.ways() == ("master", "master"), "packets to go back")
        stream.goes_on(back := stream.now())
        assert stream.lost(mended, back) == 0, "the slave's goes on until the master's is there"
        assert stream.lost(until=gone) == 0
        # they come back, and find all as it is
        with routes_of(ways) as seen:
            ways.service.start()
            ways.client = ways.service.client()
            ways.whole(stream)
        assert (stream.lost(back), seen) == (0, [])


@pytest.mark.parametrize("harm", [TwoWays.kill_charon, TwoWays.take_namespace])
def test_with_its_charon_killed_or_its_namespace_gone(ways: TwoWays, harm: Callable[[TwoWays], None]) -> None:
    slaves = ways.instance("slave").private.address
    with ways.stream() as stream:
        stream.goes_on(whole := stream.now())
        with routes_of(ways) as seen:
            harm(ways)
            stream.goes_on(stream.now())
        moved = stream.now()
        # where the kernel has ESP, it carries on without a charon
        if harm is TwoWays.take_namespace or esp.backend() is esp.Backend.USERSPACE:
            assert any(f"{NETWORK} via {slaves} " in line and "Deleted" not in line for line in seen), seen
        # the agent makes anew what is gone, and packets go back to it when it has lasted
        ways.whole(stream)
        assert stream.lost(moved) == 0
        assert stream.lost(until=whole) == 0


def test_when_agent_and_api_are_killed_and_keys_change(ways: TwoWays) -> None:
    edge, link = ways.site.edges[0], ways.tunnel().link

    def keys() -> set[bytes]:
        """Of the SAs that carry, IKE's and ESP's."""
        found = [sa for sa in edge.sas() if sa["state"] == b"ESTABLISHED"]
        children = [child for sa in found for child in sa["child-sas"].values() if child["state"] == b"INSTALLED"]
        return {sa["initiator-spi"] for sa in found} | {child["spi-in"] for child in children}

    with ways.stream() as stream:
        stream.goes_on()
        with routes_of(ways) as seen:
            assert ways.service.process is not None
            supervisor = ways.service.process.pid
            before = halves_of(supervisor)
            for pid in before.values():
                kill(pid)
            until(lambda: len(set(halves_of(supervisor).values()) - set(before.values())) == len(before), "both halves")
            ways.whole(stream)
            old = keys()
            for what in ("child", "ike"):
                edge.vici.rekey({what: link})
            until(lambda: len(keys()) == len(old) and not keys() & old, "new keys")
            stream.goes_on(stream.now())
        # TCP's connection is still the same one, too
        assert (stream.lost(), seen) == (0, [])


def test_with_nobody_to_notice_but_a_health_check(service: Service) -> None:
    with two_connections(service) as ways, ways.stream() as stream:
        ways.check(1, 3)
        with Device(ways, 0.1, 3):
            stream.goes_on(whole := stream.now())
            ways.cut()
            stream.goes_on(stream.now())
            moved = stream.now()
            assert ways.links() == ["tun2"]
            assert ways.status() == UP, "charon has noticed nothing"
            ways.cut(mended=True)
            ways.whole(stream)
        assert stream.lost(moved) == 0
        assert stream.lost(until=whole) == 0
