"""What both planes promise, one suite for both: see gatewright.plane.contract."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from gatewright.plane.contract import Plane, PlaneError
from gatewright.plane.simulated import Behaviour, Peers, SimulatedPlane
from gatewright.plane.simulated.peers import Peer
from gatewright.resources.specs import (
    InstanceSpec,
    ItemKey,
    Kind,
    PrivateLeg,
    PublicLeg,
    Spec,
    VSwitchSpec,
)
from gatewright.resources.tunnel_states import TunnelLine, TunnelState, TunnelStatus
from gatewright.resources.tunnels import SecretRef, TunnelSpec
from tests.support.linux import clean, unmet
from tests.support.tunnels import NEGOTIATED, NOT_NEGOTIATED, tunnel

VSWITCH = VSwitchSpec(id="vsw-1", generation=1, vpc_id="vpc-1", zone_id="zone", cidr_block="10.0.0.0/24")


def instance(
    generation: int = 1,
    address: str = "10.0.0.1",
    item_id: str = "vpn-1-1",
    tunnels: tuple[TunnelSpec, ...] = (),
) -> InstanceSpec:
    return InstanceSpec(
        id=item_id,
        generation=generation,
        gateway_id="vpn-1",
        account_id="1",
        region_id="cn-hangzhou",
        zone_id="zone",
        role="master",
        public=PublicLeg(addresses=("198.18.0.2",), network="198.18.0.0/15"),
        private=PrivateLeg(vswitch_id="vsw-1", address=address, network="10.0.0.0/24"),
        bandwidth=10,
        ipsec=True,
        ssl=False,
        ssl_connections=0,
        auto_propagate=False,
        tunnels=tunnels,
    )


class Ear:
    """Somebody who listens to a plane, and knows secrets."""

    def __init__(self) -> None:
        self.states: dict[str, TunnelState] = {}
        self.asked: list[SecretRef] = []
        self.unknown: set[str] = set()
        self._news: asyncio.Event

    def attend(self) -> None:
        """Listen on the running loop: each plane has one of its own."""
        self._news = asyncio.Event()

    async def heard(self, *tunnels: str) -> None:
        """Wait until something of each was told, and of no others."""
        async with asyncio.timeout(10):
            while set(self.states) != set(tunnels):
                self._news.clear()
                await self._news.wait()

    def told(self, news: TunnelState | TunnelLine) -> None:
        if isinstance(news, TunnelState):
            self.states[news.id] = news
            self._news.set()

    async def reveal(self, references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        self.asked += references
        return {each: "passphrase" for each in references if each.id not in self.unknown}


class Theatre:
    """Makes planes of one installation: what one of them built the next one finds."""

    def __init__(self, make: Callable[[], Plane]) -> None:
        self._make = make

    def play(
        self, scene: Callable[[Plane, Mapping[ItemKey, int], list[ItemKey]], Awaitable[None]], ear: Ear | None = None
    ) -> None:
        async def run() -> None:
            plane = self._make()
            broken: list[ItemKey] = []
            listening = ear or Ear()
            listening.attend()
            found = await plane.open(lambda key, reason: broken.append(key), listening.told, listening.reveal)
            try:
                await scene(plane, found, broken)
            finally:
                await plane.close()

        asyncio.run(run())


@pytest.fixture(params=["simulated", "linux"])
def theatre(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Theatre]:
    if request.param in ("simulated", "silent"):
        peers = Peers()
        if request.param == "silent":
            peers.behaviour = Behaviour(peer=Peer.SILENT)
        one = SimulatedPlane(peers=peers)
        yield Theatre(lambda: one)
        return
    missing = unmet()
    if missing:
        pytest.skip(missing)
    from gatewright.plane.linux import LinuxPlane

    installation = uuid.uuid4().hex[:8]
    # A short path: a socket's may have 107 bytes.
    runtime = Path("/run/gatewright-tests")
    yield Theatre(lambda: LinuxPlane(installation, runtime))
    clean(installation, runtime)


async def build(plane: Plane, *specs: Spec) -> None:
    for spec in specs:
        await plane.apply(spec)


def test_what_was_applied_is_found_by_the_next_run(theatre: Theatre) -> None:
    async def first(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        assert found == {}
        await build(plane, VSWITCH, instance(generation=4))

    async def second(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        assert found == {VSWITCH.key: 1, instance().key: 4}
        await plane.remove(instance().key)
        await plane.remove(VSWITCH.key)

    async def third(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        assert found == {}

    for scene in (first, second, third):
        theatre.play(scene)


def test_applying_again_and_applying_a_change(theatre: Theatre) -> None:
    async def scene(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        await build(plane, VSWITCH, VSWITCH, instance(), instance(), instance(2, "10.0.0.9"))

    async def after(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        assert found[instance().key] == 2

    theatre.play(scene)
    theatre.play(after)


def test_removing_what_is_not_there_is_fine(theatre: Theatre) -> None:
    async def scene(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        await plane.remove(ItemKey(Kind.INSTANCE, "vpn-none-1"))
        await plane.remove(ItemKey(Kind.VSWITCH, "vsw-none"))

    theatre.play(scene)


def test_an_instance_needs_its_vswitch(theatre: Theatre) -> None:
    async def scene(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        with pytest.raises(PlaneError, match="vsw-1"):
            await plane.apply(instance())
        await build(plane, VSWITCH, instance())

    theatre.play(scene)


@pytest.mark.parametrize("theatre", ["silent", "linux"], indirect=True)
def test_each_tunnel_is_told_of_and_only_secrets_that_are_needed_are_asked_for(theatre: Theatre) -> None:
    one, two = tunnel("tun-1", 1), tunnel("tun-2", 2, peer="198.51.100.3")
    changed = msgspec.structs.replace(two, psk=SecretRef("tun-2", 2))
    ear = Ear()

    async def first(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        await build(plane, VSWITCH, instance(tunnels=(one, two)))
        assert sorted(ear.asked) == [one.psk, two.psk]
        await ear.heard("tun-1", "tun-2")
        assert {each.status for each in ear.states.values()} == {TunnelStatus.IKE_SA_NOT_ESTABLISHED}
        assert {each.instance_id for each in ear.states.values()} == {instance().id}
        ear.asked.clear()
        await build(plane, instance(tunnels=(one, two)))
        assert ear.asked == []
        await build(plane, instance(2, tunnels=(one, changed)))
        assert ear.asked == [changed.psk]

    async def second(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        ear.states.clear()
        await build(plane, instance(2, tunnels=(one, changed)))
        await ear.heard("tun-1", "tun-2")
        await build(plane, instance(3, tunnels=(one,)))

    theatre.play(first, ear)
    theatre.play(second, ear)


@pytest.mark.parametrize("theatre", ["silent", "linux"], indirect=True)
def test_a_tunnel_whose_secret_nobody_knows_keeps_no_other_from_being_loaded(theatre: Theatre) -> None:
    ear = Ear()

    async def scene(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        ear.unknown = {"tun-1"}
        spec = instance(tunnels=(tunnel("tun-1", 1), tunnel("tun-2", 2, peer="198.51.100.3")))
        with pytest.raises(PlaneError, match="tun-1"):
            await build(plane, VSWITCH, spec)
        await ear.heard("tun-1", "tun-2")
        ear.unknown.clear()
        ear.asked.clear()
        await build(plane, spec)
        assert [each.id for each in ear.asked] == ["tun-1"]

    theatre.play(scene, ear)


@pytest.mark.parametrize("theatre", ["silent", "linux"], indirect=True)
def test_only_what_the_ends_agree_upon_is_negotiated_anew(theatre: Theatre) -> None:
    one, ear = tunnel("tun-1", 1), Ear()
    wanted = [(change, 0) for change in NOT_NEGOTIATED] + [(change, 1) for change in NEGOTIATED]

    async def scene(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        await build(plane, VSWITCH)
        for number, (change, times) in enumerate(wanted):
            await build(plane, instance(2 * number + 1, tunnels=(one,)))
            ear.asked.clear()
            changed = msgspec.structs.replace(one, **change)
            await build(plane, instance(2 * number + 2, tunnels=(changed,)))
            # whoever negotiates needs the key
            assert ear.asked == [changed.psk] * times, change

    theatre.play(scene, ear)


def test_items_at_the_same_time(theatre: Theatre) -> None:
    async def scene(plane: Plane, found: Mapping[ItemKey, int], broken: list[ItemKey]) -> None:
        await plane.apply(VSWITCH)
        specs = [instance(address=f"10.0.0.{n}", item_id=f"vpn-{n}-1") for n in range(1, 5)]
        await asyncio.gather(*(plane.apply(spec) for spec in specs))
        await asyncio.gather(*(plane.remove(spec.key) for spec in specs))

    theatre.play(scene)
