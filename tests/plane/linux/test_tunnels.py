"""IPsec tunnels of real instances: packets between a machine in the vSwitch and a host at a customer's."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import msgspec
import pytest

from gatewright.plane.linux import LinuxPlane, netns
from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import Lab, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.sites import UP, gateway, machine, site
from tests.plane.linux.tunnel_watch import Heard, play

pytestmark = [pytest.mark.usefixtures("carried_by"), pytest.mark.kernel_first]


def segments(client: Machine, server: Machine, address: str) -> tuple[int, int]:
    """The size of TCP's segments, payload without its time stamps, that both ends of a connection use."""
    with netns.entered(server.name):
        listener = socket.socket()
    with netns.entered(client.name):
        caller = socket.socket()
    with listener, caller:
        for one in (listener, caller):
            one.settimeout(5)
        listener.bind((address, 5000))
        listener.listen()
        caller.connect((address, 5000))
        accepted, _ = listener.accept()
        with accepted:
            sizes = [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) for one in (caller, accepted)]
    return sizes[0], sizes[1]


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
            # what does not fit is told of, and TCP does not begin with what does not fit, whoever begins
            assert "mtu = 1400" in inside.ping(peer.inside, "-M", "do", "-s", "1400")
            assert inside.reaches(peer.inside, "-M", "do", "-s", "1372")
            for client, server, address in ((inside, peer.host, peer.inside), (peer.host, inside, "10.9.1.20")):
                assert set(segments(client, server, address)) == {1348}
        await plane.remove(spec.key)
        await plane.remove(vswitch().key)
        assert lab.nothing_left()

    play(lab, scenario)
