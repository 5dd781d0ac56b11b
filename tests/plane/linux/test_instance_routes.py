"""An instance is reached from all vSwitches of its VPC, by the router, and sends the rest outside."""

from __future__ import annotations

import pytest

from gatewright.plane.linux import LinuxPlane
from gatewright.resources.specs import InstanceSpec
from tests.plane.linux.lab import Lab, instance, play, router, vswitch
from tests.plane.linux.machines import Machines
from tests.plane.linux.places import tunnel
from tests.plane.linux.test_crash import killed_before


def spec(public: bool, generation: int = 1, vswitch: int = 1) -> InstanceSpec:
    return instance(public=("198.51.100.2",) if public else None, ipsec=False, generation=generation, vswitch=vswitch)


@pytest.mark.parametrize("public", [True, False])
def test_machines_of_other_vswitches_reach_it_by_the_router(lab: Lab, machines: Machines, public: bool) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        for number in (1, 2):
            await plane.apply(vswitch(number))
        await plane.apply(router())
        await plane.apply(spec(public))
        one, other = (
            machines.plug(lab.names.vswitch(f"vsw-{number}").name, f"10.9.{number}.20/24", f"10.9.{number}.253")
            for number in (1, 2)
        )
        assert one.reaches("10.9.1.1")
        assert other.reaches("10.9.1.1")
        # it moves to another vSwitch
        await plane.apply(spec(public, generation=2, vswitch=2))
        assert one.reaches("10.9.2.1")
        assert other.reaches("10.9.2.1")

    play(lab, scenario)


def test_what_is_not_of_the_vpc_goes_outside(lab: Lab) -> None:
    def default() -> list[str]:
        return [line.strip() for line in lab.ip(spec(True), "route", "show", "default").splitlines()]

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec(True))
        assert default() == ["default via 198.51.100.1 dev wan proto static"]
        assert "via 10.9.1.253 dev lan" in lab.ip(spec(True), "route", "get", "10.9.7.1", "from", "10.9.1.1")
        assert "via 198.51.100.1 dev wan" in lab.ip(spec(True), "route", "get", "10.9.7.1")
        assert "dev lan" in lab.ip(spec(True), "route", "get", "10.9.1.20")
        await plane.apply(spec(False, generation=2))
        assert default() == ["default via 10.9.1.253 dev lan proto static"]
        await plane.apply(spec(True, generation=3))
        assert default() == ["default via 198.51.100.1 dev wan proto static"]
        lab.ip(spec(True), "route", "add", "default", "via", "10.9.1.9", "metric", "7")
        lab.ip(spec(True), "route", "flush", "table", "100")
        lab.ip(spec(True), "rule", "flush")
        await plane.apply(spec(True, generation=3))
        assert default() == ["default via 198.51.100.1 dev wan proto static"]
        assert "via 10.9.1.253 dev lan" in lab.ip(spec(True), "route", "get", "10.9.7.1", "from", "10.9.1.1")

    play(lab, scenario)


def test_applying_again_changes_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec(True))
        with killed_before(1_000_000, monkeypatch) as taken:
            await plane.apply(spec(True))
        assert not {"_put", "_drop", "_rule", "add_address", "change"}.intersection(taken)

    play(lab, scenario)


def test_a_machine_of_another_vswitch_is_told_that_its_packets_are_too_long(lab: Lab, machines: Machines) -> None:
    """From the private address, and so by the VPC's router: it would leave by the public leg otherwise."""
    spec = instance(ipsec=False)

    async def scenario(plane: LinuxPlane) -> None:
        for number in (1, 2):
            await plane.apply(vswitch(number))
        await plane.apply(spec)
        await plane.apply(router(tables={"vtb-1": {"172.16.5.0/24": ("10.9.1.1",)}}))
        two = machines.plug(lab.names.vswitch("vsw-2").name, "10.9.2.20/24", "10.9.2.253")
        with tunnel(lab, spec, "ssl0", "172.16.5.0/24"):
            lab.ip(spec, "link", "set", "ssl0", "mtu", "1400")
            said = two.ping("172.16.5.2", "-M", "do", "-s", "1450")
            assert "From 10.9.1.1 " in said
            assert "mtu = 1400" in said or "mtu=1400" in said

    play(lab, scenario)
