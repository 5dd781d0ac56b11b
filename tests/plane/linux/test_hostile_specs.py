"""Specs from a control plane that was taken over: nothing of them is done, and nothing outside is touched."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane
from gatewright.resources.specs import ItemKey, Kind, PrivateLeg, PublicLeg, Spec
from tests.plane.linux.lab import Lab, instance, play, vswitch

HOSTILE: list[Spec] = [
    msgspec.structs.replace(instance(), id="../../../tmp/x"),
    msgspec.structs.replace(instance(), id="vswitches/x"),
    msgspec.structs.replace(instance(), id="vpn-1\nload = evil"),
    msgspec.structs.replace(instance(), id="a" * 5000),
    msgspec.structs.replace(vswitch(), id="../vsw-1"),
    msgspec.structs.replace(vswitch(), cidr_block="0.0.0.0/0"),
    msgspec.structs.replace(instance(), bandwidth=2**40),
    msgspec.structs.replace(
        instance(), private=PrivateLeg(vswitch_id="../x", address="10.9.1.1", network="10.9.1.0/24")
    ),
    msgspec.structs.replace(instance(), private=PrivateLeg(vswitch_id="vsw-1", address="1.1.1.1", network="0.0.0.0/0")),
    msgspec.structs.replace(instance(), public=PublicLeg(addresses=("127.0.0.1",), network="127.0.0.0/8")),
]


@pytest.mark.parametrize("spec", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_of_it_is_done(lab: Lab, spec: Spec) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        with pytest.raises(PlaneError, match=r"is refused: .*; nothing was done on this host"):
            await plane.apply(spec)
        assert lab.present() == []

    play(lab, scenario)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("item_id", ["..", "../x", "/", "", ".", "a\n"])
def test_nothing_is_removed_for_a_name_that_is_none(lab: Lab, tmp_path: Path, kind: Kind, item_id: str) -> None:
    beside = lab.runtime / "x"
    beside.mkdir()

    async def scenario(plane: LinuxPlane) -> None:
        with pytest.raises(PlaneError, match="cannot be used as an id"):
            await plane.remove(ItemKey(kind, item_id))
        assert lab.present() == [str(beside)]

    play(lab, scenario)
    beside.rmdir()
