"""The plane's edges: arguments, order of calls, cancellation, requirements."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane, requirements
from gatewright.resources.specs import ItemKey, Kind
from tests.plane.linux.lab import Lab, instance, play, vswitch
from tests.plane.linux.sites import carrying


@pytest.mark.parametrize("installation", ["", "abc", "ABCDEFGH", "abcdefgh9", "../../..", "abc defg"])
def test_an_installation_id_is_8_base_36_characters(installation: str) -> None:
    with pytest.raises(ValueError, match="8 characters"):
        LinuxPlane(installation)


@pytest.mark.parametrize("runtime", ["relative", "/run/gate wright", "/run/#x", "/run/{x}"])
def test_a_runtime_folder_that_daemons_would_misread_is_refused(runtime: str) -> None:
    with pytest.raises(ValueError, match="absolute path"):
        LinuxPlane("abcdefgh", Path(runtime))


@pytest.mark.parametrize("item_id", ["", "..", "a/b", "-x", "a b", "x" * 101, "a\n"])
@pytest.mark.parametrize("kind", list(Kind))
def test_ids_cannot_escape_their_folder(lab: Lab, item_id: str, kind: Kind) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        with pytest.raises(PlaneError, match="cannot be used as an id"):
            await plane.remove(ItemKey(kind, item_id))

    play(lab, scenario)


def test_a_plane_is_opened_first() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        asyncio.run(LinuxPlane("abcdefgh").apply(vswitch()))


def test_a_runtime_folder_too_deep_for_a_socket_is_refused(lab: Lab) -> None:
    deep = Lab(lab.installation, lab.runtime / ("x" * 90))

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        with pytest.raises(PlaneError, match="shorter runtime folder"):
            await plane.apply(carrying())
        await plane.remove(instance().key)
        await plane.remove(vswitch().key)

    play(deep, scenario)


def test_a_cancelled_apply_is_waited_for_by_the_next_call(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        for turns in range(5):
            applying = asyncio.create_task(plane.apply(instance()))
            for _ in range(turns):
                await asyncio.sleep(0.005)
            applying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await applying
            await plane.remove(instance().key)
            assert not any("vpn-1" in line for line in lab.present())
        await plane.remove(vswitch().key)

    play(lab, scenario)
    assert lab.nothing_left()


def test_many_at_once(lab: Lab) -> None:
    specs = [carrying(number, public=(f"198.51.100.{number}",)) for number in range(1, 6)]

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await asyncio.gather(*(plane.apply(spec) for spec in specs))
        assert len({pid for spec in specs for pid in (lab.charon(spec), lab.bird(spec))}) == 10
        await asyncio.gather(*(plane.remove(spec.key) for spec in specs))
        await plane.remove(vswitch().key)

    play(lab, scenario)
    assert lab.nothing_left()


def test_requirements_name_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert requirements() == ["The linux plane has to run as root."]


@pytest.mark.usefixtures("linux_host")
def test_requirements_name_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewright.plane.linux.host_check.EXECUTABLE", "/nowhere")
    monkeypatch.setattr("shutil.which", lambda _: None)
    sentences = requirements()
    assert len(sentences) == 5
    assert "apt-get install charon-systemd" in sentences[0]
    assert "apt-get install iproute2" in sentences[1]
    assert "apt-get install nftables" in sentences[2]
    assert "apt-get install util-linux" in sentences[3]
    assert "apt-get install bird2" in sentences[4]
