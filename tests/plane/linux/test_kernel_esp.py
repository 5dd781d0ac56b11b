"""The kernel's own ESP, on a kernel that has it: see `make test-kernel`."""

from __future__ import annotations

import pytest

from gatewright.plane.linux import LinuxPlane, esp
from gatewright.plane.linux.esp import Backend
from tests.plane.linux.lab import Lab, instance, links, play, vswitch

pytestmark = pytest.mark.kernel_esp


def test_the_kernel_is_chosen_to_carry_esp() -> None:
    esp.backend.cache_clear()
    assert esp.backend() is Backend.KERNEL


def test_an_instance_comes_up_and_goes_without_a_trace(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance())
        assert lab.charon(instance())
        assert set(links("-n", lab.namespace(instance()))) == {"lo", "lan", "wan"}
        await plane.remove(instance().key)
        await plane.remove(vswitch().key)

    play(lab, scenario)
    assert lab.nothing_left()
