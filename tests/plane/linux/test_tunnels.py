"""IPsec tunnels of real instances: packets between a machine in the vSwitch and a host at a customer's."""

from __future__ import annotations

from contextlib import ExitStack

import msgspec
import pytest

from gatewright.plane.linux import LinuxPlane
from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import Lab, vswitch
from tests.plane.linux.machines import Machines
from tests.plane.linux.sites import UP, gateway, machine, site
from tests.plane.linux.tunnel_watch import Heard, play

pytestmark = pytest.mark.usefixtures("carried_by")


def test_a_tunnel_carries_packets_both_ways_and_leaves_nothing_behind(lab: Lab, machines: Machines) -> None:
    spec = gateway(tunnel())

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(msgspec.structs.replace(spec, tunnels=(), vpn_routes=()))
        with ExitStack() as stack:
            peer = site(stack, machines, lab)
            peer.answer(spec.tunnels[0])
            inside = machine(machines, lab)
            await plane.apply(spec)
            await heard.status("tun-1", UP)
            assert inside.reaches(peer.inside)
            assert peer.host.reaches("10.9.1.20")
        await plane.remove(spec.key)
        await plane.remove(vswitch().key)
        assert lab.nothing_left()

    play(lab, scenario)
