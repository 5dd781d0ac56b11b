"""The way to carry ESP is chosen by trying, and charon is configured for it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane, charon_config, esp, netns
from gatewright.plane.linux.charon import Charon
from gatewright.plane.linux.confinement import daemon_user
from gatewright.plane.linux.esp import Backend
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.tunnels.kernel import Kernel
from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import Lab, instance, kill, links, play, run, vswitch
from tests.plane.linux.sites import carrying

SPEC = carrying()


@pytest.fixture
def fresh_choice() -> Iterator[None]:
    esp.backend.cache_clear()
    yield
    esp.backend.cache_clear()


@pytest.mark.usefixtures("linux_host", "fresh_choice")
@pytest.mark.parametrize(("works", "chosen"), [(True, Backend.KERNEL), (False, Backend.USERSPACE)])
def test_the_kernel_is_used_if_it_has_esp(monkeypatch: pytest.MonkeyPatch, works: bool, chosen: Backend) -> None:
    monkeypatch.setattr(esp, "_ip", lambda _: works)
    assert esp.backend() is chosen


@pytest.mark.usefixtures("linux_host")
def test_what_is_tried_is_understood() -> None:
    """Refused for how it is written, it would never be the kernel's ESP that carries."""
    for line in esp._TRIAL.splitlines():
        done = subprocess.run(["unshare", "-n", "ip", *line.split()], capture_output=True, text=True, check=False)
        assert not re.search("argument|usage|command", done.stderr, re.IGNORECASE), done.stderr


@pytest.mark.usefixtures("linux_host", "fresh_choice")
def test_a_host_without_either_is_told_what_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esp, "_ip", lambda _: False)
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with pytest.raises(PlaneError, match="modprobe"):
        esp.backend()


def test_the_plugin_that_carries_esp_comes_first() -> None:
    def plugins(backend: Backend) -> list[str]:
        text = charon_config.render(backend, "uplink", Path("/r/vici"), Path("/r/log"))
        return next(line for line in text.splitlines() if " load = " in line).split()[2:]

    kernel, userspace = plugins(Backend.KERNEL), plugins(Backend.USERSPACE)
    assert "kernel-libipsec" not in kernel
    assert "kernel-netlink" in kernel
    assert userspace.index("kernel-libipsec") < userspace.index("kernel-netlink")
    assert "bypass-lan" not in kernel + userspace  # it would let traffic around the tunnels


def test_what_is_in_the_kernel_is_always_marked_with_the_tunnels_number() -> None:
    """Unmarked, a second connection's policies for everything would take the place of the first one's, unseen."""
    kernel = Kernel(Names("test0000"), Folders("test0000", Path("/nowhere")), user=0)
    for version in ("ikev1", "ikev2"):
        one = tunnel(3, version=version, local=("10.1.0.0/24", "10.2.0.0/24"), remote=("10.3.0.0/24", "10.4.0.0/24"))
        children = kernel.connection(instance(), one)["tun3"]["children"]
        assert len(children) == (4 if version == "ikev1" else 1)
        assert all(child["if_id_in"] == child["if_id_out"] == "3" for child in children.values())


@contextlib.contextmanager
def charon_alone(lab: Lab) -> Iterator[tuple[Callable[..., int], Charon]]:
    """A tunnel's charon without the tunnel, and what starts it and gives its process."""
    folder = Folders(lab.installation, lab.runtime).of_tunnel(SPEC.id, SPEC.tunnels[0].number)
    folder.make()
    netns.ensure(lab.tunnel_namespace(SPEC))
    charon = Charon(folder, lab.tunnel_namespace(SPEC), daemon_user(lab.installation))

    def start(*, new: bool) -> int:
        process = charon.finish(charon.begin(new_namespace=new))
        process.close()
        return lab.charon(SPEC)

    yield start, charon
    charon.end()


def test_charon_runs_without_a_tun_device_where_the_kernel_has_esp(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esp, "backend", lambda: Backend.KERNEL)
    if not esp._has_xfrm():
        pytest.skip("this kernel has no XFRM netlink")
    with charon_alone(lab) as (start, _):
        start(new=True)
        assert set(links("-n", lab.tunnel_namespace(SPEC))) == {"lo"}


def test_what_a_killed_charon_left_in_the_kernel_is_flushed(lab: Lab) -> None:
    if not esp._has_xfrm():
        pytest.skip("this kernel has no XFRM netlink")

    policy = ("dir", "out", "src", "10.9.1.0/24", "dst", "192.168.0.0/24")
    template = ("tmpl", "src", "198.51.100.1", "dst", "203.0.113.1", "proto", "esp", "mode", "tunnel")
    inside = ("ip", "-n", lab.tunnel_namespace(SPEC), "xfrm", "policy")
    with charon_alone(lab) as (start, charon):
        kill(start(new=True))
        run(*inside, "add", *policy, *template)
        left = []
        charon.before_flush = lambda: left.append(run(*inside, "list"))
        start(new=False)
        assert "192.168.0.0/24" in left[0]
        assert "192.168.0.0/24" not in run(*inside, "list")


def test_the_plane_works_in_a_program_whose_default_loop_is_uvloop(lab: Lab) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(SPEC)

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        play(lab, scenario)
    finally:
        asyncio.set_event_loop_policy(None)
    assert lab.charon(SPEC)
    assert lab.bird(SPEC)


@pytest.mark.usefixtures("linux_host", "fresh_choice")
def test_an_answer_that_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esp, "_SECONDS", 0)
    with pytest.raises(PlaneError, match="did not end within 0 s"):
        esp.backend()
