"""What instances send and receive is counted at the leg that leads outside, as the kernel has it."""

from __future__ import annotations

import socket
from pathlib import Path

from gatewright.plane.linux import LinuxPlane, netns
from gatewright.resources.traffic import Count
from tests.plane.linux.lab import Lab, instance, play, vswitch

FRAMES, PAYLOAD = 20, 400
#: To nobody, of a type that is for experiments (IEEE 802).
HEAD = bytes.fromhex("02000000000002000000000188b5")
_FILES = ("tx_bytes", "tx_packets", "rx_bytes", "rx_packets")


def send(namespace: str, leg: str) -> None:
    """Frames from within a namespace, past everything that filters packets there."""
    with netns.entered(namespace):
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with sender:
        sender.bind((leg, 0))
        for _ in range(FRAMES):
            sender.send(HEAD + bytes(PAYLOAD))


def kernels(lab: Lab, instance_id: str, *, private: bool = False) -> tuple[int, ...]:
    """What the host's end of a leg has sent and received, by another way."""
    mark = lab.names.lan(instance_id) if private else lab.names.wan(instance_id)
    folder = Path("/sys/class/net") / mark.name / "statistics"
    return tuple(int((folder / name).read_text()) for name in _FILES)


async def by_id(plane: LinuxPlane) -> dict[str, Count]:
    return {count.id: count for count in await plane.traffic()}


def test_public_and_private_instances_are_counted_where_they_lead_outside(lab: Lab) -> None:
    async def first(plane: LinuxPlane) -> None:
        assert await plane.traffic() == []
        await plane.apply(vswitch())
        await plane.apply(instance(1))
        await plane.apply(instance(2, public=None))
        before = await by_id(plane)
        send(lab.names.namespace("vpn-1"), "wan")
        send(lab.names.namespace("vpn-2"), "lan")
        after = await by_id(plane)
        assert after["vpn-1"].numbers == kernels(lab, "vpn-1")
        assert after["vpn-2"].numbers == kernels(lab, "vpn-2", private=True)
        for name in ("vpn-1", "vpn-2"):
            sent = after[name].since(before[name])
            assert sent.sent_packets >= FRAMES
            assert sent.sent_bytes >= FRAMES * (len(HEAD) + PAYLOAD)

    async def second(plane: LinuxPlane) -> None:
        """Another agent, which has found what the first one made."""
        assert (await by_id(plane))["vpn-1"].numbers == kernels(lab, "vpn-1")
        await plane.remove(instance(1).key)
        assert set(await by_id(plane)) == {"vpn-2"}

    play(lab, first)
    play(lab, second)
