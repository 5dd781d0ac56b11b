"""What goes wrong with one tunnel is that one's: others are made, looked after and left alone all the same."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
from pathlib import Path

import msgspec
import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane, charon_config, vpn_routing
from gatewright.plane.linux.charon import Charon
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.routing import KernelRoute, RoutingRtnl
from gatewright.plane.linux.tunnels import keeper
from gatewright.plane.linux.tunnels.backend import Standing
from gatewright.plane.linux.tunnels.demand import Wanted
from gatewright.plane.linux.tunnels.keeper import Keeper
from gatewright.plane.linux.tunnels.links import LinkState, TunnelLinks
from gatewright.plane.linux.tunnels.own_charon import OwnCharon
from gatewright.resources.specs import InstanceSpec, ItemKey
from gatewright.resources.troubles import Cause
from gatewright.resources.tunnels import HealthSpec, TunnelSpec
from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import Lab, links, run, vswitch
from tests.plane.linux.sites import gateway
from tests.plane.linux.test_lookout import looks, until
from tests.plane.linux.test_tunnel_changes import charon_of
from tests.plane.linux.tunnel_watch import Heard, opened, play
from tests.support.patience import patience

pytestmark = pytest.mark.usefixtures("carried_by")

ONE, TWO, THREE = (tunnel(number, f"198.51.100.{49 + number}", initiate=False) for number in (1, 2, 3))
WAITS = "begins when there is traffic"
#: How a charon is brought back that ends again and again.
SLOWLY = patience(4), patience(30), patience(60)


async def told(heard: Heard, tunnel_id: str, words: str) -> None:
    await heard.until(lambda: words in getattr(heard.last(tunnel_id), "detail", ""))


def keeper_of(plane: LinuxPlane, number: int) -> Keeper | None:
    assert plane._keepers is not None
    return plane._keepers._keepers.get(("vpn-1", number))


def kill(pid: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Returns when it has ended."""
    process = Process.open(pid)
    assert process is not None
    try:
        process.send(how)
        assert process.ended(patience(5))
    finally:
        process.close()


def test_tunnels_that_cannot_be_made_or_removed_keep_no_other_from_being_looked_after(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lab.runtime / lab.installation / "tunnels" / "vpn-1"

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        folder.mkdir(parents=True)
        # in the way of the folders of two
        for number in (1, 2):
            (folder / str(number)).touch()
        with pytest.raises(PlaneError) as refused:
            await plane.apply(gateway(ONE, TWO, THREE))
        assert f"tunnel 1: making {folder}/1" in str(refused.value)
        assert f"tunnel 2: making {folder}/2" in str(refused.value)
        await told(heard, "tun-3", WAITS)
        for number in (1, 2):
            await told(heard, f"tun-{number}", f"making {folder}/{number}")
        first = charon_of(lab, 3)
        for number in (1, 2):
            (folder / str(number)).unlink()
        await plane.apply(gateway(ONE, TWO, THREE))
        for number in (1, 2, 3):
            await told(heard, f"tun-{number}", WAITS)
        assert charon_of(lab, 3) == first

        # and two that cannot be removed
        removed = OwnCharon.remove

        def remove(self: OwnCharon, instance_id: str, number: int) -> None:
            raise PlaneError(f"{number} stays")

        monkeypatch.setattr(OwnCharon, "remove", remove)
        changed = tunnel(3, "198.51.100.52", initiate=False, ike={"encryption": "aes256"})
        with pytest.raises(PlaneError, match="removing tunnel 1: 1 stays; removing tunnel 2: 2 stays"):
            await plane.apply(gateway(changed, generation=2))
        assert keeper_of(plane, 1) is None
        found = keeper_of(plane, 3)
        assert found is not None
        assert found.tunnel == changed
        monkeypatch.setattr(OwnCharon, "remove", removed)
        await plane.apply(gateway(changed, generation=2))
        assert [path.name for path in folder.iterdir()] == ["3"]

    play(lab, scenario)


def test_a_tunnel_that_is_served_no_longer_is_not_brought_back(lab: Lab) -> None:
    twin = tunnel(2, ONE.peer, initiate=False)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway(ONE, TWO))
        await told(heard, "tun-2", WAITS)
        await plane.apply(gateway(ONE, twin, generation=2))
        last = heard.last("tun-2")
        assert last is not None
        assert [each.cause for each in last.troubles] == [Cause.SAME_PEER]
        assert keeper_of(plane, 2) is None
        assert f"gw-{lab.installation}-tunnel.2.vpn-1" not in run("ip", "netns", "list").split()
        # and when it can be again
        await plane.apply(gateway(ONE, TWO, generation=3))
        await told(heard, "tun-2", WAITS)

    play(lab, scenario)


def test_what_applying_does_to_a_charon_is_not_taken_for_its_end(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway(ONE))
        await told(heard, "tun-1", WAITS)
        first, made = charon_of(lab, 1), ensured(monkeypatch)
        monkeypatch.setattr(charon_config, "_TEMPLATE", "# of another version\n" + charon_config._TEMPLATE)
        await plane.apply(gateway(ONE))
        assert charon_of(lab, 1) != first
        await told(heard, "tun-1", WAITS)
        assert plane._keepers is not None
        assert not plane._keepers.mending(gateway().key)
        assert made == [1]
        assert not [state for state in heard.states if "ended" in state.detail]
        found = keeper_of(plane, 1)
        assert found is not None
        assert found.mends.left(asyncio.get_running_loop().time()) == 0

    play(lab, scenario)


def ensured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The generations with which tunnels are made from now on."""
    made: list[int] = []
    before = OwnCharon.ensure

    def ensure(self: OwnCharon, spec: InstanceSpec, one: TunnelSpec) -> Standing:
        made.append(spec.generation)
        return before(self, spec, one)

    monkeypatch.setattr(OwnCharon, "ensure", ensure)
    return made


def test_a_charon_that_ends_while_its_instance_is_applied_is_brought_back(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = TunnelLinks.route

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway(ONE))
        await told(heard, "tun-1", WAITS)
        first = charon_of(lab, 1)

        def route(self: TunnelLinks, spec: InstanceSpec) -> None:
            # by then it was found to be settled
            kill(first)
            before(self, spec)

        monkeypatch.setattr(TunnelLinks, "route", route)
        await plane.apply(gateway(ONE, generation=2))
        monkeypatch.setattr(TunnelLinks, "route", before)
        assert charon_of(lab, 1) != first
        assert any("SIGKILL" in state.detail for state in heard.states)
        await told(heard, "tun-1", WAITS)

    play(lab, scenario)


def test_a_charon_that_is_brought_back_is_that_of_what_is_wanted_now(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_MENDS", SLOWLY)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway(ONE))
        await killed_twice(lab, heard)
        # while it waits to be brought back
        found, made = keeper_of(plane, 1), ensured(monkeypatch)
        assert found is not None
        await plane.apply(gateway(ONE, generation=2))
        await told(heard, "tun-1", WAITS)
        assert plane._keepers is not None
        assert not plane._keepers.mending(gateway().key)
        # and if it ends again, it is that one which is brought back
        kill(charon_of(lab, 1))
        await told(heard, "tun-1", "its charon ended")
        await told(heard, "tun-1", WAITS)
        assert made == [2, 2]

    play(lab, scenario)


async def killed_twice(lab: Lab, heard: Heard) -> None:
    """Have the charon of the first tunnel end, which is brought back at once, and again, when it is not."""
    for number in range(2):
        await told(heard, "tun-1", WAITS)
        kill(charon_of(lab, 1))
        if number == 0:
            await told(heard, "tun-1", "its charon ended")
    await told(heard, "tun-1", "its charon ended")


def test_one_tunnel_that_is_brought_back_slowly_has_nothing_else_applied_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_MENDS", SLOWLY)
    spec, changes, heard = gateway(ONE, TWO), [], Heard()
    applying: set[asyncio.Task[None]] = set()

    async def main() -> None:
        def changed(key: ItemKey, why: str) -> None:
            # as an agent does
            changes.append(why)
            applying.add(asyncio.ensure_future(plane.apply(spec)))

        async with opened(lab, heard, changed=changed) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(spec)
            await killed_twice(lab, heard)
            seen = looks(plane)
            assert plane._lookout is not None
            assert plane._keepers is not None
            for _ in range(2):
                # the first has been looked at when the second is
                seen.clear()
                plane._lookout._look_at_all()
                await until(lambda: spec in seen, patience(5))
            assert plane._keepers.mending(spec.key) == {1}
            assert changes == []
            await told(heard, "tun-1", WAITS)
            assert not plane._keepers.mending(spec.key)
            await asyncio.gather(*applying)
        assert changes == []

    asyncio.run(asyncio.wait_for(main(), patience(60)))


def test_only_what_a_killed_charon_has_left_may_carry_until_the_next_comes_at_once(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_MENDS", SLOWLY)
    found, before = [], Keeper.lost

    def lost(self: Keeper, why: str, *, may_carry: bool = False) -> None:
        found.append(may_carry)
        before(self, why, may_carry=may_carry)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        monkeypatch.setattr(Keeper, "lost", lost)
        await plane.apply(vswitch())
        # the last has to wait
        for generation, ends in enumerate(((signal.SIGTERM,), (signal.SIGKILL, signal.SIGKILL)), 1):
            await plane.apply(gateway(ONE, generation=2 * generation))
            for how in ends:
                await told(heard, "tun-1", WAITS)
                kill(charon_of(lab, 1), how)
                await told(heard, "tun-1", "its charon ended")
            await told(heard, "tun-1", WAITS)
            await plane.apply(gateway(generation=2 * generation + 1))
        assert found == [False, True, False]

    play(lab, scenario)


def test_a_link_that_is_set_late_has_the_routes_that_are_wanted_now(lab: Lab) -> None:
    before, wanted = gateway(ONE, TWO), gateway(ONE, vpn_routes=(), generation=2)
    up = LinkState(up=True, usable=True, steady=True)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        def routes() -> str:
            return lab.ip(wanted, "route", "show", "table", str(vpn_routing.DESTINATIONS))

        await plane.apply(vswitch())
        await plane.apply(before)
        for one in (ONE, TWO):
            assert await asyncio.to_thread(plane._links.set, before, one, up)
            assert f"172.16.{one.number}.0/24" in routes()
        await plane.apply(wanted)
        # a keeper was about to do so when that was wanted
        assert await asyncio.to_thread(plane._links.set, before, ONE, up)
        assert not await asyncio.to_thread(plane._links.set, before, TWO, up)
        assert routes() == ""

    play(lab, scenario)


def test_a_tunnel_inherits_nothing_of_one_that_had_its_number_before(lab: Lab) -> None:
    other = msgspec.structs.replace(TWO, id="tun-9", number=1)

    async def main() -> None:
        heard = Heard()
        async with opened(lab, heard) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(gateway(ONE))
            await told(heard, "tun-1", WAITS)
            charons = [charon_of(lab, 1)]
            up = LinkState(up=True, usable=True, steady=True)
            assert await asyncio.to_thread(plane._links.set, gateway(ONE), ONE, up)
            await plane.apply(gateway(other, generation=2))
            await told(heard, "tun-9", WAITS)
            assert "UP" not in links("-n", lab.namespace(gateway()))["tun1"]["flags"]
            charons.append(charon_of(lab, 1))
        # also if nobody was there who had seen the first one go
        async with opened(lab, heard) as (plane, _):
            await plane.apply(gateway(ONE, generation=3))
            charons.append(charon_of(lab, 1))
            # and the same is kept
            await plane.apply(gateway(ONE, generation=4))
            await plane.apply(gateway(ONE, generation=4))
            assert len({*charons, charon_of(lab, 1)}) == 3

    asyncio.run(asyncio.wait_for(main(), patience(60)))


def test_what_is_over_other_links_stays_though_the_kernel_tells_of_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = gateway(ONE, TWO)
    up, before = LinkState(up=True, usable=True, steady=True), RoutingRtnl._told

    def told_all(self: RoutingRtnl, table: int, *, bird: bool, link: int = 0) -> list[tuple[int, KernelRoute]]:
        return before(self, table, bird=bird)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        monkeypatch.setattr(RoutingRtnl, "_told", told_all)
        for one in (ONE, TWO):
            assert await asyncio.to_thread(plane._links.set, spec, one, up)
        routes = lab.ip(spec, "route", "show", "table", str(vpn_routing.DESTINATIONS))
        assert all(f"172.16.{number}.0/24" in routes for number in (1, 2))

    play(lab, scenario)


def test_sockets_of_an_instance_go_on_over_applies_and_end_with_who_needs_them(lab: Lab) -> None:
    check = HealthSpec(source="10.9.1.20", destination="172.16.1.2", interval=1, retry=3, revokes=True)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway(msgspec.structs.replace(ONE, health=check)))
        assert plane._keepers is not None
        demands, echoes = plane._keepers._demands, plane._keepers._probes._echoes
        demand, echo = demands["vpn-1"].demand, echoes["vpn-1"][1]
        # what is heard is looked up in what is wanted by now
        await plane.apply(gateway(msgspec.structs.replace(ONE, health=check), TWO, generation=2))
        assert demands["vpn-1"].demand is demand
        packet = Wanted(ipaddress.IPv4Address("10.9.1.20"), ipaddress.IPv4Address("172.16.2.2"))
        assert demands["vpn-1"].ways.tunnels_for(packet) == [TWO.number]
        assert echoes["vpn-1"][1] is echo
        await plane.apply(gateway(msgspec.structs.replace(ONE, initiate=True), generation=3))
        assert (demands, echoes) == ({}, {})

    play(lab, scenario)


def test_daemons_that_were_found_leave_no_descriptor_where_applying_fails(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(self: Charon, config: bytes) -> None:
        raise PlaneError("the disk is full")

    def held() -> int:
        return sum("pidfd" in str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway(ONE))
        counts = []
        monkeypatch.setattr(Charon, "_write", write)
        for _ in range(2):
            with pytest.raises(PlaneError, match="the disk is full"):
                await plane.apply(gateway(ONE))
            counts.append(held())
        assert counts[0] == counts[1]

    play(lab, scenario)
