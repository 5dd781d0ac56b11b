"""What a charon may do: its user, its capabilities, its files; and that its view of files keeps nothing alive."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gatewright.isolation import users
from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane, charon, requirements
from gatewright.plane.linux.confinement import Confinement, daemon_user
from tests.plane.linux.lab import Lab, kill, links, play, run, vswitch
from tests.plane.linux.sites import carrying

#: Bits of capability.h.
NET_BIND_SERVICE, NET_ADMIN = 1 << 10, 1 << 12


def read(path: str) -> str:
    return Path(path).read_text()


def status(pid: int) -> dict[str, str]:
    lines = read(f"/proc/{pid}/status").splitlines()
    return {name: " ".join(value.split()) for name, value in (line.split(":", 1) for line in lines)}


def as_the_daemon(pid: int, user: int, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with the view and the user of a daemon."""
    become = [f"--reuid={user}", f"--regid={user}", "--clear-groups", "--bounding-set=-all", "--no-new-privs"]
    return subprocess.run(
        ["nsenter", "--mount", f"--target={pid}", "setpriv", *become, "--inh-caps=-all", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


def test_charon_has_the_least_that_it_needs(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        one, two = carrying(1), carrying(2, public=("198.51.100.2",))
        await plane.apply(one)
        await plane.apply(two)
        pid, user = lab.charon(one), daemon_user(lab.installation)
        found = status(pid)
        assert user in range(users.FIRST, users.LAST + 1)
        assert found["Uid"] == found["Gid"] == " ".join([str(user)] * 4)
        assert found["Groups"] == ""
        assert found["NoNewPrivs"] == "1"
        # it drops the other itself once it has its ports
        assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == NET_ADMIN
        assert int(found["CapBnd"], 16) == NET_ADMIN | NET_BIND_SERVICE
        assert lab.listening(lab.tunnel_namespace(one)) == {("udp", "0.0.0.0:500"), ("udp", "0.0.0.0:4500")}

        own, other = lab.tunnel_folder(one), lab.tunnel_folder(two)
        seen = as_the_daemon(pid, user, f"find {lab.runtime} -maxdepth 4")
        above = [path for path in own.parents if path.is_relative_to(lab.runtime)]
        assert set(seen.stdout.split()) == {str(path) for path in (own, *above)}
        assert (own / "loaded").exists()
        for script in (
            f"cat {own}/loaded",
            f"echo > {own}/strongswan.conf",
            f"touch {own}/x",
            f"ls {other}",
            f"ls {lab.folder(one)}",
            "touch /tmp/x",
            "touch /var/tmp/x",
            "echo 1 > /dev/shm/x",
            f"cp /bin/true {own}/charon/program && {own}/charon/program",
            "cat /proc/1/environ",
        ):
            assert as_the_daemon(pid, user, script).returncode != 0, script
        assert as_the_daemon(pid, user, f"touch {own}/charon/x").returncode == 0
        assert "/run/netns" not in read(f"/proc/{pid}/mountinfo")

    play(lab, scenario)


def test_its_vici_socket_answers_nobody_else(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        spec = carrying()
        await plane.apply(spec)
        script = (
            "import os, socket, sys\n"
            "os.setgroups([]); os.setresgid(*[65534] * 3); os.setresuid(*[65534] * 3)\n"
            "try:\n    socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n"
            "except PermissionError:\n    print('refused')"
        )
        assert run("python3", "-c", script, str(lab.socket(spec))).strip() == "refused"
        with socket.socket(socket.AF_UNIX) as ours:
            ours.connect(str(lab.socket(spec)))

    play(lab, scenario)


def test_a_namespace_is_freed_while_another_daemons_view_lives(lab: Lab) -> None:
    """A view is a copy of all mounts: it must not keep the namespaces of others. A veth goes with its other end's."""
    outer = f"tf{lab.installation}", f"tg{lab.installation}"

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        one, two = carrying(1), carrying(2, public=("198.51.100.2",))
        await plane.apply(one)
        await plane.apply(two)
        lives = lab.charon(two), lab.bird(two)
        for name, namespace in zip(outer, (lab.namespace(one), lab.tunnel_namespace(one)), strict=True):
            run("ip", "link", "add", name, "type", "veth", "peer", "name", "inner", "netns", namespace)
        await plane.remove(one.key)
        async with asyncio.timeout(10):
            while not links().keys().isdisjoint(outer):
                await asyncio.sleep(0.01)
        assert (lab.charon(two), lab.bird(two)) == lives

    try:
        play(lab, scenario)
    finally:
        for name in outer:
            run("ip", "link", "delete", name, check=False)


def test_a_killed_charon_comes_back_as_the_same_user_with_its_log(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        spec = carrying()
        await plane.apply(spec)
        before, log = lab.charon(spec), lab.tunnel_folder(spec) / "charon" / "charon.log"
        started = log.read_text()
        kill(before)
        await plane.apply(spec)
        assert lab.charon(spec) != before
        assert status(lab.charon(spec))["Uid"].split()[0] == str(daemon_user(lab.installation))
        assert log.read_text().startswith(started)
        assert len(log.read_text()) > len(started)

    play(lab, scenario)


def test_a_log_that_is_a_link_is_not_read(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a charon that was taken over leaves in its folder leads the agent nowhere."""
    (tmp_path / "secret").write_text("do not tell")
    broken = tmp_path / "charon"
    broken.write_text('#!/bin/sh\nexec ln -s "$SECRET" "${STRONGSWAN_CONF%/*}/charon/charon.log"\n')
    broken.chmod(0o755)
    monkeypatch.setattr(charon, "EXECUTABLE", str(broken))
    monkeypatch.setattr(charon, "CONFIG_VARIABLE", "STRONGSWAN_CONF")

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        with pytest.raises(PlaneError, match="charon did not come up") as refused:
            await plane.apply(carrying())
        assert "do not tell" not in str(refused.value)

    play(lab, scenario)


def test_two_installations_daemons_are_different_users(new_lab: Callable[[], Lab]) -> None:
    numbers = {daemon_user(f"{number:08d}") for number in range(50)}
    assert len(numbers) > 45
    assert all(number % 2 for number in numbers)


def test_the_command_line_of_a_confinement() -> None:
    confinement = Confinement(61185, ("net_admin",), Path("/r/i"), Path("/r/i/d"))
    assert confinement.command(["/usr/sbin/daemon", "-x"]) == [
        *("setpriv", "--reuid=61185", "--regid=61185", "--clear-groups"),
        *("--inh-caps=-all,+net_admin", "--ambient-caps=-all,+net_admin", "--bounding-set=-all,+net_admin"),
        *("--no-new-privs", "--", "/usr/sbin/daemon", "-x"),
    ]
    none = Confinement(61185, (), Path("/r/i"), Path("/r/i/d"))
    assert "--bounding-set=-all" in none.command(["d"])


def test_a_host_that_cannot_confine_says_so_before_anything_is_made(
    linux_host: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise PermissionError(1, "unshare(CLONE_NEWNS): Operation not permitted")

    monkeypatch.setattr("gatewright.isolation.mounts.unshare", refused)
    (said,) = requirements()
    assert "the view of files for a daemon" in said
    assert "CAP_SYS_ADMIN" in said
