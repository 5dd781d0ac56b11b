"""Peers of one gateway that call themselves the same: each is known by its own key, and by no other's."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from gatewright.plane.linux import LinuxPlane
from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import Lab, vswitch
from tests.plane.linux.machines import Machines
from tests.plane.linux.sites import DOWN, UP, gateway, machine, site
from tests.plane.linux.tunnel_watch import Heard, Secrets, play

pytestmark = [pytest.mark.usefixtures("carried_by"), pytest.mark.kernel_first]

#: What is expected of each: an address that many have at home, and anything.
EXPECTED = ("192.168.1.2", "192.168.1.2", "0.0.0.0")  # noqa: S104 - no address here


def test_peers_that_call_themselves_the_same_have_keys_of_their_own(lab: Lab, machines: Machines) -> None:
    tunnels = [
        tunnel(number, f"198.51.100.{49 + number}", psk_version=number, ike={"remote_id": expected})
        for number, expected in enumerate(EXPECTED, 1)
    ]
    secrets = Secrets()
    keys = {one.number: f"key-of-{one.number}" for one in tunnels}
    secrets.values = {one.psk: keys[one.number] for one in tunnels}
    spec = gateway(*tunnels)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            sites = [site(stack, machines, lab, one.number) for one in tunnels]
            for where, one in zip(sites, tunnels, strict=True):
                where.answer(one, keys[one.number], ike=where.as_itself(one, EXPECTED[0]))
            inside = machine(machines, lab)
            await plane.apply(spec)
            for where, one in zip(sites, tunnels, strict=True):
                await heard.status(one.id, UP)
                assert inside.reaches(where.inside), one.id
            # with a neighbour's key nobody comes in, though it is one that the gateway knows
            sites[1].answer(tunnels[1], keys[1], ike=sites[1].as_itself(tunnels[1], EXPECTED[0]))
            heard.states.clear()
            sites[1].terminate("tun2")
            await heard.status("tun-2", DOWN)
            await heard.until(lambda: "Psk" in getattr(heard.last("tun-2"), "detail", ""))
            assert inside.reaches(sites[0].inside)
            assert not inside.reaches(sites[1].inside, "-W", "0.2")

    play(lab, scenario, secrets)
