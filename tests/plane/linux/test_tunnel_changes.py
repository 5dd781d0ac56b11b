"""What is changed of a tunnel is in force, and nothing else notices; what dies comes back; who comes later adopts."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec
import pytest

from gatewright.plane.linux import LinuxPlane
from gatewright.plane.linux.instance import Instances
from gatewright.plane.linux.tunnels.backend import Standing
from gatewright.plane.linux.tunnels.keeper import Keeper
from gatewright.plane.linux.tunnels.keepers import Keepers
from gatewright.plane.linux.tunnels.seen import Seen
from gatewright.plane.linux.vici_session import ViciSession
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import SecretRef, TunnelSpec
from tests.plane.linux.customer import Customer, tunnel
from tests.plane.linux.lab import Lab, kill, run, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.sites import DOWN, UP, gateway, machine, site
from tests.plane.linux.tunnel_watch import Heard, Secrets, opened, play
from tests.support.patience import patience
from tests.support.tunnels import NOT_NEGOTIATED

pytestmark = pytest.mark.usefixtures("carried_by")


def changed(spec: TunnelSpec, **more: object) -> TunnelSpec:
    return msgspec.structs.replace(spec, **more)


def agreed(one: Customer) -> set[bytes]:
    """The encryption of each CHILD SA that carries packets."""
    children = [child for sa in one.sas() for child in sa["child-sas"].values() if child["state"] == b"INSTALLED"]
    return {child["encr-alg"] + b"_" + child["encr-keysize"] for child in children}


def spis(one: Customer) -> set[bytes]:
    """What tells the SAs that stand from others."""
    return {child["spi-in"] for sa in one.sas() for child in sa["child-sas"].values()}


def charon_of(lab: Lab, number: int) -> int:
    """The process of a tunnel's charon."""
    (pid,) = run("ip", "netns", "pids", f"gw-{lab.installation}-tunnel.{number}.vpn-1").split()
    return int(pid)


@contextmanager
def undisturbed(inside: Machine, one: Customer) -> Iterator[None]:
    """Pings go through without a loss all the time."""
    with inside.pinging(one.inside) as end:
        yield
        answered = end()
    assert answered.whole, (answered.sent, answered)


def test_changes_are_in_force_and_leave_the_others_alone(lab: Lab, machines: Machines) -> None:
    one, two = tunnel(1), tunnel(2, "198.51.100.51")
    secrets = Secrets()

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            first, second = site(stack, machines, lab, 1), site(stack, machines, lab, 2)
            first.answer(one)
            second.answer(two)
            inside = machine(machines, lab)
            await plane.apply(gateway(one, two))
            await heard.status("tun-1", UP)
            await heard.status("tun-2", UP)
            asked = len(secrets.asked)
            with undisturbed(inside, second):
                # nothing new: nothing is asked for, nothing negotiated
                await plane.apply(gateway(one, two, generation=2))
                assert len(secrets.asked) == asked
                assert agreed(first) == {b"AES_CBC_128"}

                # another proposal
                stronger = changed(one, ipsec=msgspec.structs.replace(one.ipsec, encryption="aes256"))
                first.answer(stronger)
                seen = len(heard.states)
                await plane.apply(gateway(stronger, two, generation=3))
                await heard.until(lambda: UP in [state.status for state in heard.states[seen:]])
                assert agreed(first) == {b"AES_CBC_256"}

                # another key, which the peer does not have yet
                other_key = changed(stronger, psk=SecretRef("tun-1", 2))
                secrets.values[other_key.psk] = "another-key"
                await plane.apply(gateway(other_key, two, generation=4))
                state = await heard.status("tun-1", DOWN)
                await heard.until(lambda: "Psk" in (heard.last("tun-1") or state).detail)
                first.answer(other_key, "another-key")
                await heard.status("tun-1", UP)
                assert inside.reaches(first.inside)

                # no tunnel
                await plane.apply(gateway(two, generation=5))
                assert first.sas() == []
            assert [state.status for state in heard.states if state.id == "tun-2"].count(UP) == 1

    play(lab, scenario, secrets)


def test_what_is_not_negotiated_changes_under_a_tunnel_that_stands(lab: Lab, machines: Machines) -> None:
    one = tunnel()

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            peer = site(stack, machines, lab, 1)
            peer.answer(one)
            await plane.apply(gateway(one))
            await heard.status("tun-1", UP)
            before, seen = spis(peer), len(heard.states)
            inside = machine(machines, lab)
            with undisturbed(inside, peer):
                for generation, change in enumerate(NOT_NEGOTIATED, 2):
                    # one after the other, and taken back
                    await plane.apply(gateway(changed(one, **change | {"ike": one.ike}), generation=2 * generation))
                    await plane.apply(gateway(changed(one, initiate=False), generation=2 * generation + 1))
            assert spis(peer) == before
            assert {state.status for state in heard.states[seen:]} <= {UP}

    play(lab, scenario)


def test_what_charon_alone_is_told_does_not_wait_for_the_rest(
    lab: Lab, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = tunnel()
    apply, free = Instances.apply, threading.Event()

    def held(*arguments: Any) -> dict[int, Standing]:
        assert free.wait(patience(30))
        return apply(*arguments)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            stack.callback(free.set)
            first = site(stack, machines, lab)
            first.answer(one)
            await plane.apply(gateway(one))
            await heard.status("tun-1", UP)
            monkeypatch.setattr(Instances, "apply", held)
            stronger = changed(one, ipsec=msgspec.structs.replace(one.ipsec, encryption="aes256"))
            first.answer(stronger)
            seen = len(heard.states)
            applying = asyncio.ensure_future(plane.apply(gateway(stronger, generation=2)))
            await heard.until(lambda: UP in [state.status for state in heard.states[seen:]])
            assert agreed(first) == {b"AES_CBC_256"}
            assert not applying.done()
            free.set()
            await applying
            # of what rules and routes have to know first, charon is told after them
            free.clear()
            before = first.sas()
            elsewhere = changed(stronger, remote_subnets=("172.16.1.0/24",), local_subnets=("10.9.0.0/16",))
            first.answer(elsewhere)
            applying = asyncio.ensure_future(plane.apply(gateway(elsewhere, generation=3)))
            await asyncio.sleep(0.3)
            assert [list(sa) for sa in first.sas()] == [list(sa) for sa in before]
            assert agreed(first) == {b"AES_CBC_256"}
            seen = len(heard.states)
            free.set()
            await applying
            await heard.until(lambda: UP in [state.status for state in heard.states[seen:]])

    play(lab, scenario)


def test_whoever_applies_a_change_finds_no_state_from_before_it(
    lab: Lab, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the steps of who applies and who looks after the tunnel fall between each other."""
    one = tunnel()
    hear, see = Keepers._hear_demand, Keeper._see

    async def heard_late(keepers: Keepers, spec: InstanceSpec) -> None:
        await asyncio.sleep(0.2)
        await hear(keepers, spec)

    async def seen_late(keeper: Keeper, session: ViciSession) -> Seen:
        await asyncio.sleep(0.5)
        return await see(keeper, session)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            site(stack, machines, lab).answer(one)
            await plane.apply(gateway(one))
            await heard.status("tun-1", UP)
            monkeypatch.setattr(Keepers, "_hear_demand", heard_late)
            monkeypatch.setattr(Keeper, "_see", seen_late)
            heard.states.clear()
            await plane.apply(gateway(changed(one, dpd=False), generation=2))
            assert DOWN in [state.status for state in heard.states]
            await heard.status("tun-1", UP)

    play(lab, scenario)


def test_a_charon_that_is_killed_comes_back_alone(lab: Lab, machines: Machines) -> None:
    one, two = tunnel(1), tunnel(2, "198.51.100.51")

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            first, second = site(stack, machines, lab, 1), site(stack, machines, lab, 2)
            first.answer(one)
            second.answer(two)
            inside = machine(machines, lab)
            await plane.apply(gateway(one, two))
            await heard.status("tun-1", UP)
            await heard.status("tun-2", UP)
            with undisturbed(inside, second):
                # also one that waits for traffic, once it has been up
                for generation, initiate in ((2, True), (3, False)):
                    await plane.apply(gateway(changed(one, initiate=initiate), two, generation=generation))
                    await heard.status("tun-1", UP)
                    heard.states.clear()
                    os.kill(charon_of(lab, 1), signal.SIGKILL)
                    await heard.until(lambda: UP in [state.status for state in heard.states])
                    assert {state.id for state in heard.states} == {"tun-1"}
                    assert heard.states[0].status is DOWN
                    assert "SIGKILL" in heard.states[0].detail
                    assert inside.reaches(first.inside)

    play(lab, scenario)


def test_who_comes_after_a_killed_agent_adopts_tunnels_as_they_stand(lab: Lab, machines: Machines) -> None:
    spec, secrets = gateway(tunnel()), Secrets()

    async def main() -> None:
        heard = Heard()
        with ExitStack() as stack:
            async with opened(lab, heard, secrets=secrets) as (plane, _):
                await plane.apply(vswitch())
                await plane.apply(gateway())
                peer = site(stack, machines, lab)
                peer.answer(spec.tunnels[0])
                inside = machine(machines, lab)
                await plane.apply(spec)
                await heard.status("tun-1", UP)
            before = charon_of(lab, 1)
            with undisturbed(inside, peer):
                later, asked = Heard(), Secrets()
                async with opened(lab, later, secrets=asked) as (plane, found):
                    assert found[spec.key] == spec.generation
                    await plane.apply(spec)
                    await later.status("tun-1", UP)
                    assert asked.asked == []
                    assert charon_of(lab, 1) == before
            # nobody is there while its charon dies: that is mended by who comes next
            kill(before)
            third = Heard()
            async with opened(lab, third) as (plane, found):
                assert found[spec.key] == 0
                await plane.apply(spec)
                await third.status("tun-1", UP)
                assert inside.reaches(peer.inside)

    asyncio.run(asyncio.wait_for(main(), patience(60)))


def test_no_packet_of_a_tunnel_is_lost_while_others_come_and_go(lab: Lab, machines: Machines) -> None:
    one, two = tunnel(1), tunnel(2, "198.51.100.51")

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            second = site(stack, machines, lab, 2)
            second.answer(two)
            inside = machine(machines, lab)
            await plane.apply(gateway(two, generation=2))
            await heard.status("tun-2", UP)
            with inside.pinging(second.inside, 0.002) as end:
                for generation in range(3, 27, 2):
                    await plane.apply(gateway(one, two, generation=generation))
                    await plane.apply(gateway(two, generation=generation + 1))
                answered = end()
            assert answered.whole, (answered.sent, answered)

    play(lab, scenario)


def test_who_comes_next_ends_what_is_not_wanted_any_more(lab: Lab, machines: Machines) -> None:
    one, two = tunnel(1), tunnel(2, "198.51.100.51")

    async def main() -> None:
        with ExitStack() as stack:
            heard = Heard()
            async with opened(lab, heard) as (plane, _):
                await plane.apply(vswitch())
                await plane.apply(gateway())
                first, second = site(stack, machines, lab, 1), site(stack, machines, lab, 2)
                first.answer(one)
                second.answer(two)
                inside = machine(machines, lab)
                await plane.apply(gateway(one, two))
                await heard.status("tun-1", UP)
                await heard.status("tun-2", UP)
            async with opened(lab, Heard()) as (plane, _):
                with undisturbed(inside, second):
                    await plane.apply(gateway(two, generation=2))
                    assert first.sas() == []
                left = [line for line in lab.present() if "tunnel.1" in line]
                assert left == []

    asyncio.run(asyncio.wait_for(main(), patience(60)))
