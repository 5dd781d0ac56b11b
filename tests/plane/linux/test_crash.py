"""Killed anywhere and called again, the plane ends up with what the spec says, or with nothing."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ipaddress
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import (
    HostOptions,
    UplinkMode,
    UplinkOptions,
    folders,
    netns,
    nf_tables,
    nft,
    processes,
    routing,
    rtnl,
    sysctl,
    traffic_control,
)
from gatewright.plane.linux.tunnels import tun
from tests.plane.linux.lab import Lab, instance, opened, play, router, run, vswitch
from tests.plane.linux.sites import carrying

#: Everything by which the plane changes the host.
STEPS = [
    (folders.Folder, "make"),
    (folders.Folder, "write"),
    (folders.Folder, "forget_applied"),
    (folders.Folder, "delete"),
    (netns, "_share_folder"),
    (netns, "_mount"),
    (netns, "delete"),
    (rtnl.Rtnl, "add_bridge"),
    (rtnl.Rtnl, "add_veth"),
    (rtnl.Rtnl, "add_pair"),
    (rtnl.Rtnl, "move"),
    (tun, "make"),
    (rtnl.Rtnl, "change"),
    (rtnl.Rtnl, "add_address"),
    (rtnl.Rtnl, "delete"),
    (routing.RoutingRtnl, "_put"),
    (routing.RoutingRtnl, "_drop"),
    (routing.RoutingRtnl, "_rule"),
    (routing.RoutingRtnl, "answer_for"),
    (routing.RoutingRtnl, "stop_answering_for"),
    (nft, "put"),
    (nft, "put_chains"),
    (nf_tables.NfTables, "delete_table"),
    (nf_tables.NfTables, "delete_chains"),
    (sysctl, "_write"),
    (traffic_control.TrafficControl, "_put"),
    (processes, "start"),
    (processes, "terminate"),
]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@contextlib.contextmanager
def killed_before(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Raises Killed instead of taking the step with that number, and at every step from then on."""
    taken: list[str] = []

    def counting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **more: Any) -> Any:
            taken.append(name)
            if len(taken) >= number:
                raise Killed
            return real(*arguments, **more)

        return step

    with monkeypatch.context() as patch:
        for owner, name in STEPS:
            patch.setattr(owner, name, counting(name, getattr(owner, name)))
        yield taken


def test_killed_between_any_two_steps_of_making_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def build(plane: Any) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance())

    async def scenario() -> None:
        number, done = 0, False
        while not done:
            number += 1
            async with opened(lab) as (plane, _):
                with killed_before(number, monkeypatch) as taken:
                    try:
                        await build(plane)
                        done = True
                    except Killed:
                        pass
            async with opened(lab) as (plane, found):
                if not done:
                    assert found.get(instance().key, 0) == 0, taken
                if number % 2:  # completed, then removed; otherwise removed as it is
                    await build(plane)
                    assert lab.addresses(instance())["wan"] == {"198.51.100.1/24"}
                    assert lab.addresses(instance())["lan"] == {"10.9.1.1/24"}
                    found = dict.fromkeys([instance().key, vswitch().key], 1)
                # only what was found: nothing may be there that the plane does not find
                for key in sorted(found):
                    await plane.remove(key)
            assert lab.nothing_left(), taken
        assert number > 20

    asyncio.run(asyncio.wait_for(scenario(), 120))


def test_killed_between_any_two_steps_of_removing_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        number, done = 0, False
        while not done:
            number += 1
            async with opened(lab) as (plane, _):
                await plane.apply(vswitch())
                await plane.apply(instance())
                with killed_before(number, monkeypatch) as taken:
                    try:
                        await plane.remove(instance().key)
                        await plane.remove(vswitch().key)
                        done = True
                    except Killed:
                        pass
            async with opened(lab) as (plane, found):
                if number > 2 and instance().key in found:
                    assert found[instance().key] == 0, taken
                for key in sorted(found):
                    await plane.remove(key)
            assert lab.nothing_left(), taken
        assert number > 8

    asyncio.run(asyncio.wait_for(scenario(), 120))


def test_a_router_killed_between_any_two_steps(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of making it, of changing it and of removing it."""
    first = router(tables={"vtb-1": {"172.16.0.0/16": ("10.9.1.1",)}})
    second = router((2, 3), generation=2, tables={"vtb-1": {"172.17.0.0/16": ("10.9.2.1",)}})

    async def life(plane: Any) -> None:
        await plane.apply(first)
        await plane.apply(second)
        await plane.remove(first.key)

    async def scenario() -> None:
        number, done = 0, False
        async with opened(lab) as (plane, _):
            for one in (1, 2, 3):
                await plane.apply(vswitch(one))
        while not done:
            number += 1
            async with opened(lab) as (plane, _):
                with killed_before(number, monkeypatch) as taken:
                    try:
                        await life(plane)
                        done = True
                    except Killed:
                        pass
            async with opened(lab) as (plane, found):
                if number % 2:
                    await plane.apply(second)
                    assert len(lab.addresses(second)) == 3, taken
                    assert "172.17.0.0/16 via 10.9.2.1" in lab.ip(second, "route", "show", "table", "all")
                    found = {first.key: 0}
                if first.key in found:
                    await plane.remove(first.key)
            assert not [line for line in lab.present() if "vpc-1" in line or ":port:" in line], taken
        assert number > 30
        async with opened(lab) as (plane, _):
            for one in (1, 2, 3):
                await plane.remove(vswitch(one).key)
        assert lab.nothing_left()

    asyncio.run(asyncio.wait_for(scenario(), 120))


def test_an_uplink_killed_between_any_two_steps(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's own settings are put back, whatever happened in between."""
    interface = f"tu{lab.installation}"
    options = HostOptions(UplinkOptions(interface, UplinkMode.PROXY_ARP, ipaddress.IPv4Network("198.51.100.0/24")))
    host = dataclasses.replace(lab, options=options)
    first = instance(public=("198.51.100.2", "198.51.100.3"), ipsec=False)
    second = instance(public=("198.51.100.3", "198.51.100.4"), ipsec=False, generation=2)

    def own() -> tuple[str, ...]:
        settings = (f"net.ipv4.conf.{interface}.forwarding", f"net.ipv4.neigh.{interface}.proxy_delay")
        tables = [line for line in run("nft", "list", "tables").splitlines() if lab.installation in line]
        return run("sysctl", *settings), run("ip", "neigh", "show", "proxy", "dev", interface), " ".join(tables)

    async def life(plane: Any) -> None:
        await plane.apply(first)
        await plane.apply(second)
        await plane.remove(first.key)

    async def scenario() -> None:
        number, done = 0, False
        async with opened(host) as (plane, _):
            await plane.apply(vswitch())
        before = own()
        while not done:
            number += 1
            async with opened(host) as (plane, _):
                with killed_before(number, monkeypatch) as taken:
                    try:
                        await life(plane)
                        done = True
                    except Killed:
                        pass
            async with opened(host) as (plane, found):
                if number % 2:
                    await plane.apply(second)
                    proxies = run("ip", "neigh", "show", "proxy", "dev", interface).split()
                    assert {"198.51.100.3", "198.51.100.4"} <= set(proxies), taken
                    assert "198.51.100.2" not in proxies, taken
                    found = {first.key: 0}
                if first.key in found:
                    await plane.remove(first.key)
            assert own() == before, taken
            assert not [line for line in lab.present() if "uplink" in line or "vpn-1" in line], taken
        assert number > 40
        async with opened(host) as (plane, _):
            await plane.remove(vswitch().key)
        assert lab.nothing_left()

    run("ip", "link", "add", "name", interface, "type", "veth", "peer", "name", f"tv{lab.installation}")
    try:
        run("ip", "link", "set", interface, "up")
        asyncio.run(asyncio.wait_for(scenario(), 120))
    finally:
        run("ip", "link", "delete", interface)


AGENT = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from gatewright.plane.linux import LinuxPlane
    from tests.plane.linux.lab import revealed, vswitch
    from tests.plane.linux.sites import carrying

    async def main():
        plane = LinuxPlane(sys.argv[1], Path(sys.argv[2]))
        await plane.open(lambda key, reason: None, reveal=revealed)
        print("ready", flush=True)
        for generation in range(1, 1000):
            await plane.apply(vswitch())
            await plane.apply(carrying(generation=generation))
            if generation % 2:
                await plane.remove(carrying().key)

    asyncio.run(main())
""")


def test_a_killed_agent(lab: Lab) -> None:
    """The real thing: SIGKILL to a process that applies and removes, at whatever point it is."""
    spec = carrying(generation=2000)
    for milliseconds in (5, 20, 40, 70, 110, 160):
        agent = subprocess.Popen(
            [sys.executable, "-c", AGENT, lab.installation, str(lab.runtime)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
            env={**os.environ, "PYTHONPATH": "src:."},
        )
        try:
            assert agent.stdout is not None
            assert agent.stdout.readline() == b"ready\n"
            with contextlib.suppress(subprocess.TimeoutExpired):
                agent.wait(milliseconds / 1000)
        finally:
            agent.send_signal(signal.SIGKILL)
            agent.wait(5)
            assert agent.stdout is not None
            agent.stdout.close()

        async def converge(plane: Any, leave: bool = milliseconds == 40) -> None:
            await plane.apply(vswitch())
            await plane.apply(spec)
            # they are the only ones
            assert lab.charon(spec)
            assert lab.bird(spec)
            assert lab.addresses(spec)["wan"] == {"198.51.100.1/24"}
            if not leave:  # or the next round finds it
                await plane.remove(spec.key)
                await plane.remove(vswitch().key)
                assert lab.nothing_left()

        play(lab, converge)


@pytest.mark.parametrize("mounted", [True, False])
def test_only_the_namespace_is_there(lab: Lab, mounted: bool) -> None:
    name = lab.namespace(instance())
    if mounted:
        run("ip", "netns", "add", name)
    else:
        netns._share_folder()
        netns.path(name).touch(0o444)

    async def scenario() -> None:
        async with opened(lab) as (plane, found):
            assert found == {instance().key: 0}
            await plane.apply(vswitch())
            await plane.apply(carrying())
            assert lab.charon(carrying())
            assert lab.bird(carrying())
            await plane.remove(instance().key)
            await plane.remove(vswitch().key)
        assert lab.nothing_left()
        run("ip", "netns", "add", name)
        async with opened(lab) as (plane, _):
            await plane.remove(instance().key)
        assert lab.nothing_left()

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_lan_that_leads_elsewhere_is_replaced(lab: Lab) -> None:
    async def scenario(plane: Any) -> None:
        await plane.apply(vswitch())
        run("ip", "netns", "add", lab.namespace(instance()))
        run("ip", "-n", lab.namespace(instance()), "link", "add", "lan", "type", "veth", "peer", "name", "x")
        await plane.apply(instance())
        assert lab.bridge_of(instance(), "lan") == lab.names.vswitch("vsw-1").alias

    play(lab, scenario)


def test_a_failed_start_says_what_the_log_says(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves no charon behind; the next apply, with nothing in the way, succeeds."""
    real, spec = "gatewright.plane.linux.charon_config._SERVICES", carrying()

    async def scenario(plane: Any) -> None:
        await plane.apply(vswitch())
        with monkeypatch.context() as patch:
            patch.setattr(real, "no-such-plugin!")
            with pytest.raises(PlaneError, match=r"charon did not come up .*: process \d+ ended with status"):
                await plane.apply(spec)
        assert lab.processes(lab.tunnel_namespace(spec)) == []
        await plane.apply(spec)
        assert lab.charon(spec)

    play(lab, scenario)


def test_a_missing_daemon_is_named_with_its_package(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewright.plane.linux.charon.EXECUTABLE", "/usr/sbin/no-such-charon")

    async def scenario(plane: Any) -> None:
        await plane.apply(vswitch())
        with pytest.raises(PlaneError, match="apt-get install charon-systemd"):
            await plane.apply(carrying())

    play(lab, scenario)
