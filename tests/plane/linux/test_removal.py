"""Removing takes the links along with their namespace, and finds them when they do not go with it."""

from __future__ import annotations

import asyncio

import pytest

from gatewright.plane.linux import LinuxPlane, netns, rtnl
from gatewright.plane.linux.rtnl import Link, Rtnl
from tests.plane.linux.lab import Lab, instance, links, play, vswitch


def test_legs_go_with_their_namespace(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """One wait of the kernel's for all of them, instead of one each."""
    deleted: list[str] = []
    real = Rtnl.delete

    def noting(self: Rtnl, link: Link) -> None:
        deleted.append(link.name)
        real(self, link)

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance())
        monkeypatch.setattr(rtnl.Rtnl, "delete", noting)
        await plane.remove(instance().key)
        assert deleted == [lab.names.uplink.name]
        await plane.remove(vswitch().key)
        assert lab.nothing_left()

    play(lab, scenario)


def test_legs_are_deleted_when_somebody_holds_their_namespace(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance())
        with netns.opened(lab.namespace(instance())):
            await plane.remove(instance().key)
            await plane.remove(vswitch().key)
            assert lab.nothing_left()

    play(lab, scenario)


def test_the_uplink_goes_with_the_last_leg_on_it(lab: Lab) -> None:
    """Its ports are looked at one by one, and not all links of the host."""

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance(1))
        await plane.apply(instance(2, public=("198.51.100.2",)))
        ports = await asyncio.to_thread(_ports, lab.names.uplink.name)
        assert ports == sorted(lab.names.wan(f"vpn-{number}").name for number in (1, 2))
        await plane.remove(instance(1).key)
        assert lab.names.uplink.name in links()
        await plane.remove(instance(2).key)
        assert lab.names.uplink.name not in links()
        await plane.remove(vswitch().key)

    play(lab, scenario)


def _ports(bridge: str) -> list[str]:
    with Rtnl() as host:
        found = host.find(bridge)
        assert found is not None
        return sorted(port.name for port in host.ports(found))
