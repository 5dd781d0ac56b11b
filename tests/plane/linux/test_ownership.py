"""Two installations on one host, and other people's things: only our own are ever touched."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane, leftovers, netns, processes
from gatewright.plane.linux.processes import Process
from tests.plane.linux.lab import Lab, Told, instance, kill, links, opened, play, run, vswitch
from tests.plane.linux.sites import carrying

SPEC = carrying()


def test_two_installations_side_by_side(new_lab: Callable[[], Lab]) -> None:
    """With the same ids and addresses in both, one even in the other's runtime folder."""
    one = new_lab()
    other = Lab(new_lab().installation, one.runtime)

    async def scenario() -> None:
        told = Told()
        async with opened(one) as (plane, _), opened(other, told) as (beside, _):
            for each in (plane, beside):
                await each.apply(vswitch())
                await each.apply(SPEC)

            def state() -> object:
                return other.charon(SPEC), other.bird(SPEC), other.addresses(SPEC), other.peer(SPEC, "wan")

            before = state()
            async with opened(one) as (_, found):
                assert set(found) == {instance().key, vswitch().key}
            await plane.remove(instance().key)
            await plane.remove(vswitch().key)
            assert leftovers(one.installation, one.runtime) == []
            assert len(leftovers(other.installation, other.runtime)) > 6
            assert state() == before
            assert told.nothing
            await beside.remove(instance().key)
            await beside.remove(vswitch().key)
        assert other.nothing_left()

    try:
        asyncio.run(asyncio.wait_for(scenario(), 60))
    finally:
        other.runtime.mkdir(exist_ok=True)
        other.sweep()
        one.runtime.mkdir(exist_ok=True)


@pytest.fixture
def foreign() -> Iterator[Callable[..., str]]:
    """Makes a link on the host that is not the plane's."""
    made = []

    def make(name: str, *more: str) -> str:
        run("ip", "link", "add", "name", name, *more)
        made.append(name)
        return name

    yield make
    for name in made:
        run("ip", "link", "delete", name, check=False)


@pytest.mark.parametrize("alias", ["", "gatewright:00000000:vswitch:vsw-1", "somebody's"])
def test_a_foreign_link_with_our_name_is_refused_and_stays(lab: Lab, foreign: Callable[..., str], alias: str) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        name = foreign(lab.names.vswitch("vsw-1").name, "type", "bridge")
        if alias:
            run("ip", "link", "set", name, "alias", alias)
        index = links()[name]["ifindex"]
        with pytest.raises(PlaneError, match="somebody else's"):
            await plane.apply(vswitch())
        with pytest.raises(PlaneError, match="somebody else's"):
            await plane.apply(instance())
        await plane.remove(vswitch().key)
        assert links()[name]["ifindex"] == index
        assert "UP" not in links()[name]["flags"]

    play(lab, scenario)
    assert leftovers(lab.installation, lab.runtime) == []


@pytest.mark.parametrize("what", ["lan", "wan", "uplink"])
def test_a_foreign_leg_is_refused_and_stays(lab: Lab, foreign: Callable[..., str], what: str) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        mark = lab.names.uplink if what == "uplink" else getattr(lab.names, what)("vpn-1")
        name = foreign(mark.name, "type", "bridge")
        await plane.apply(vswitch())
        with pytest.raises(PlaneError, match="somebody else's"):
            await plane.apply(instance())
        await plane.remove(instance().key)
        await plane.remove(vswitch().key)
        assert name in links()

    play(lab, scenario)
    assert leftovers(lab.installation, lab.runtime) == []


def test_other_peoples_machines_in_a_vswitch_stay(lab: Lab, foreign: Callable[..., str]) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance())
        tail = lab.installation[:6]
        foreign(f"th{tail}", "type", "veth", "peer", "name", f"ti{tail}")
        for bridge in (lab.names.vswitch("vsw-1"), lab.names.uplink):
            run("ip", "link", "set", f"th{tail}", "master", bridge.name, "up")
        await plane.remove(instance().key)
        await plane.remove(vswitch().key)
        assert f"th{tail}" in links()

    play(lab, scenario)
    assert leftovers(lab.installation, lab.runtime) == []


def sleeping() -> Process:
    child = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
    process = Process.open(child.pid)
    assert process is not None
    child.returncode = 0  # it is reaped by whoever ends it
    return process


def test_strays_in_the_namespace_are_ended_and_nobody_else(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance())
        with netns.entered(lab.namespace(instance())):
            stray = sleeping()
        bystander = sleeping()
        try:
            assert stray.pid in lab.processes(instance())
            await plane.remove(instance().key)
            assert stray.ended()
            assert not bystander.ended()
        finally:
            processes.terminate([bystander, stray])

    play(lab, scenario)


def test_a_stranger_on_our_socket_is_refused_and_lives(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        lab.socket(SPEC).parent.mkdir(parents=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(lab.socket(SPEC)))
            listener.listen()
            with pytest.raises(PlaneError, match=f"process {os.getpid()} listens"):
                await plane.apply(SPEC)
        await plane.apply(SPEC)
        assert lab.charon(SPEC)

    play(lab, scenario)


def test_a_charon_of_the_host_is_left_alone(lab: Lab, tmp_path: Path) -> None:
    """Another namespace, another configuration: it may run the same program."""
    run("ip", "netns", "add", f"other-{lab.installation}")
    config = tmp_path / "strongswan.conf"
    config.write_text(
        "charon-systemd {\n load_modular = no\n load = random nonce openssl kdf kernel-netlink socket-default vici\n"
        f" plugins {{ vici {{ socket = unix://{tmp_path}/vici }} }}\n journal {{ default = -1 }}\n}}\n"
    )
    theirs = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/other-{lab.installation}", "--", "/usr/sbin/charon-systemd"],
        env={"STRONGSWAN_CONF": str(config)},
        start_new_session=True,
    )
    try:

        async def scenario(plane: LinuxPlane) -> None:
            await plane.apply(vswitch())
            await plane.apply(SPEC)
            await plane.apply(instance(generation=2, ipsec=False))
            await plane.apply(carrying(generation=3))
            await plane.remove(instance().key)
            await plane.remove(vswitch().key)

        play(lab, scenario)
        assert theirs.poll() is None
        assert leftovers(lab.installation, lab.runtime) == []
    finally:
        kill(theirs.pid)
        theirs.wait(5)
        run("ip", "netns", "delete", f"other-{lab.installation}")
