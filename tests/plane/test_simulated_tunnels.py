"""The simulated plane's tunnels: negotiated in their time, by peers that answer as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.simulated import Behaviour, Peers, SimulatedPlane
from gatewright.plane.simulated.peers import Peer, Probes, Session
from gatewright.resources.tunnel_states import BgpStatus, HealthStatus, TunnelLine, TunnelState, TunnelStatus
from gatewright.resources.tunnels import BgpSpec, HealthSpec, SecretRef, TunnelSpec
from tests.plane.test_contract import VSWITCH, instance
from tests.plane.test_simulated import Hours
from tests.support.tunnels import tunnel

KEY = instance().key
NOTHING, PHASE_1, NO_PHASE_2, UP = (
    TunnelStatus.IKE_SA_NOT_ESTABLISHED,
    TunnelStatus.IKE_SA_ESTABLISHED,
    TunnelStatus.IPSEC_SA_NOT_ESTABLISHED,
    TunnelStatus.IPSEC_SA_ESTABLISHED,
)
ONE, TWO = tunnel("tun-1", 1), tunnel("tun-2", 2)
BGP = BgpSpec(
    local_asn=65001,
    peer_asn=65002,
    network="169.254.10.0/30",
    local_address="169.254.10.1",
    peer_address="169.254.10.2",
    key=SecretRef("cgw-1", 3),
)
HEALTH = HealthSpec(source="10.0.0.1", destination="192.168.0.1", interval=3, retry=3)


class Stage:
    """A plane with time that the test lets pass, and what it has told."""

    def __init__(self) -> None:
        self.hours = Hours()
        self.peers = Peers()
        self.plane = SimulatedPlane(self.hours, peers=self.peers)
        self.states: list[TunnelState] = []
        self.lines: list[TunnelLine] = []
        self.asked: list[SecretRef] = []
        self.unknown: set[SecretRef] = set()

    async def open(self) -> None:
        await self.plane.open(lambda key, reason: None, self._told, self._reveal)

    async def reopen(self) -> None:
        """Go on with another plane, as after a snapshot."""
        await self.plane.close()
        self.plane = SimulatedPlane(self.hours, self.plane.memory(), self.peers)
        await self.open()

    async def apply(self, *tunnels: TunnelSpec, generation: int = 1) -> None:
        """Have an instance with these tunnels, however long its own changes take."""
        for spec in (VSWITCH, instance(generation, tunnels=tunnels)):
            applying = asyncio.ensure_future(self.plane.apply(spec))
            await self.breathe()
            if not applying.done():
                await self.passes(100)
            await applying

    async def passes(self, time: int) -> None:
        self.hours.go(self.hours.time + time)
        await self.breathe()

    async def breathe(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    def last(self, tunnel_id: str = "tun-1") -> TunnelState:
        return [each for each in self.states if each.id == tunnel_id][-1]

    def went(self, tunnel_id: str = "tun-1") -> list[TunnelStatus]:
        return [each.status for each in self.states if each.id == tunnel_id]

    def behave(self, tunnel_id: str = "tun-1", **behaviour: object) -> None:
        (found,) = (each for each in self.plane.tunnels.every() if each.spec.id == tunnel_id)
        changed = msgspec.structs.replace(found.behaviour, **behaviour)
        self.plane.tunnels.behave(found, changed)

    def _told(self, news: TunnelState | TunnelLine) -> None:
        if isinstance(news, TunnelState):
            self.states.append(news)
        else:
            self.lines.append(news)

    async def _reveal(self, references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        self.asked += references
        return {each: "a passphrase" for each in references if each not in self.unknown}


def play(scene: Callable[[Stage], Awaitable[None]]) -> None:
    async def run() -> None:
        stage = Stage()
        await stage.open()
        await scene(stage)
        await stage.plane.close()

    asyncio.run(run())


def test_a_tunnel_comes_up_by_itself_phase_after_phase() -> None:
    async def scene(stage: Stage) -> None:
        await stage.apply(ONE)
        assert stage.went() == [NOTHING]
        assert stage.plane.tunnels.timed()
        await stage.passes(49)
        assert stage.went() == [NOTHING]
        await stage.passes(1)
        assert stage.went() == [NOTHING, PHASE_1]
        await stage.passes(50)
        assert stage.went() == [NOTHING, PHASE_1, UP]
        assert stage.last().at == stage.hours.time
        assert [line.text.split(" ")[1] for line in stage.lines] == ["initiating", "IKE_SA", "CHILD_SA"]
        assert {line.tunnel_id for line in stage.lines} == {"tun-1"}

    play(scene)


@pytest.mark.parametrize(
    ("peer", "went", "detail"),
    [
        (Peer.SILENT, [NOTHING, NOTHING], "does not answer"),
        (Peer.REFUSES_PROPOSAL, [NOTHING, NOTHING], "no proposal was chosen"),
        (Peer.REFUSES_AUTHENTICATION, [NOTHING, NOTHING], "authentication failed"),
        (Peer.REFUSES_SUBNETS, [NOTHING, PHASE_1, NO_PHASE_2], "subnets"),
    ],
)
def test_a_peer_that_refuses(peer: Peer, went: list[TunnelStatus], detail: str) -> None:
    async def scene(stage: Stage) -> None:
        stage.peers.behaviour = Behaviour(peer=peer)
        await stage.apply(ONE)
        await stage.passes(100)
        assert stage.went() == went
        assert detail in stage.last().detail
        stage.behave(peer=Peer.READY)
        await stage.passes(100)
        assert stage.last().status is UP
        assert stage.last().detail == ""

    play(scene)


def test_a_peer_that_falls_silent_takes_the_tunnel_down_and_it_comes_back() -> None:
    async def scene(stage: Stage) -> None:
        await stage.apply(ONE, TWO)
        await stage.passes(100)
        stage.states.clear()
        stage.behave(peer=Peer.SILENT)
        assert stage.went() == [NOTHING]
        await stage.passes(100)
        assert "does not answer" in stage.last().detail
        stage.behave(peer=Peer.READY)
        await stage.passes(100)
        assert stage.went()[-2:] == [PHASE_1, UP]
        assert stage.went("tun-2") == []

    play(scene)


def test_a_change_touches_the_tunnels_that_it_concerns_and_asks_for_their_secrets_only() -> None:
    async def scene(stage: Stage) -> None:
        await stage.apply(ONE, TWO)
        await stage.passes(100)
        assert stage.asked == [ONE.psk, TWO.psk]
        stage.asked.clear()
        stage.states.clear()
        changed = msgspec.structs.replace(TWO, psk=SecretRef("tun-2", 2), bgp=BGP)
        await stage.apply(ONE, changed, generation=2)
        assert stage.asked == [SecretRef("tun-2", 2), SecretRef("cgw-1", 3)]
        assert set(stage.went()) == {UP}
        assert stage.went("tun-2") == [NOTHING]
        await stage.passes(100)
        assert stage.last("tun-2").bgp is BgpStatus.UP
        await stage.apply(changed, generation=3)
        assert [each.spec.id for each in stage.plane.tunnels.every()] == ["tun-2"]
        assert stage.went("tun-2")[-1] is UP

    play(scene)


def test_a_tunnel_whose_secret_is_not_known_stays_down_and_keeps_no_other_from_coming_up() -> None:
    async def scene(stage: Stage) -> None:
        stage.unknown = {ONE.psk}
        with pytest.raises(PlaneError, match="tun-1"):
            await stage.apply(ONE, TWO)
        await stage.passes(100)
        assert stage.last().status is NOTHING
        assert stage.last("tun-2").status is UP
        stage.unknown.clear()
        await stage.apply(ONE, TWO)
        await stage.passes(100)
        assert stage.last().status is UP

    play(scene)


def test_bgp_and_health_follow_the_tunnel_and_what_is_steered() -> None:
    async def scene(stage: Stage) -> None:
        await stage.apply(msgspec.structs.replace(ONE, bgp=BGP, health=HEALTH))
        assert (stage.last().bgp, stage.last().health) == (BgpStatus.DOWN, HealthStatus.FAILED)
        await stage.passes(100)
        assert (stage.last().bgp, stage.last().health) == (BgpStatus.UP, HealthStatus.GOOD)
        stage.behave(bgp=Session.DOWN)
        assert (stage.last().bgp, stage.last().health, stage.last().status) == (BgpStatus.DOWN, HealthStatus.GOOD, UP)
        stage.behave(bgp=Session.UP, health=Probes.FAILED)
        assert (stage.last().bgp, stage.last().health, stage.last().status) == (BgpStatus.UP, HealthStatus.FAILED, UP)
        assert "health check" in stage.last().detail

    play(scene)


def test_tunnels_of_an_instance_that_is_down_are_down_until_it_is_back() -> None:
    async def scene(stage: Stage) -> None:
        await stage.apply(ONE)
        await stage.passes(100)
        stage.plane.kill(KEY)
        assert stage.last().status is NOTHING
        assert "instance is down" in stage.last().detail
        with pytest.raises(PlaneError, match="killed"):
            await stage.plane.apply(instance(tunnels=(ONE,)))
        stage.plane.recover(KEY)
        await stage.apply(ONE)
        await stage.passes(100)
        assert stage.last().status is UP
        stage.plane.lose(KEY, "its daemon died")
        assert stage.last().status is NOTHING
        removing = asyncio.ensure_future(stage.plane.remove(KEY))
        await stage.passes(100)
        await removing
        assert stage.plane.tunnels.every() == []

    play(scene)


def test_another_plane_goes_on_where_one_was() -> None:
    async def scene(stage: Stage) -> None:
        await stage.apply(ONE, TWO)
        stage.behave("tun-2", peer=Peer.REFUSES_SUBNETS)
        await stage.passes(60)
        assert (stage.last().status, stage.last("tun-2").status) == (PHASE_1, PHASE_1)
        await stage.reopen()
        stage.states.clear()
        await stage.apply(ONE, TWO)
        assert (stage.went(), stage.went("tun-2")) == ([PHASE_1], [PHASE_1])
        assert stage.asked == [ONE.psk, TWO.psk]
        await stage.passes(40)
        assert (stage.last().status, stage.last("tun-2").status) == (UP, NO_PHASE_2)
        # and what has changed meanwhile is negotiated anew
        await stage.reopen()
        await stage.apply(ONE, msgspec.structs.replace(TWO, dpd=False), generation=2)
        assert (stage.last().status, stage.last("tun-2").status) == (UP, NOTHING)
        await stage.passes(100)
        assert stage.last("tun-2").status is NO_PHASE_2

    play(scene)


def test_an_instance_that_is_killed_while_its_secrets_are_asked_for_has_no_tunnel_up() -> None:
    async def scene(stage: Stage) -> None:
        await stage.apply()
        door = asyncio.Event()

        async def reveal(references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
            await door.wait()
            return dict.fromkeys(references, "a passphrase")

        await stage.plane.open(lambda key, reason: None, stage._told, reveal)
        applying = asyncio.ensure_future(stage.plane.apply(instance(tunnels=(ONE,))))
        await stage.breathe()
        stage.plane.kill(KEY)
        door.set()
        with pytest.raises(PlaneError, match="killed"):
            await applying
        await stage.passes(200)
        assert stage.last().status is NOTHING

    play(scene)
