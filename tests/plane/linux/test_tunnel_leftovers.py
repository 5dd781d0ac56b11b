"""What is left of tunnels of a killed agent is found, and what is taken away of them by hand is mended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gatewright.plane.linux import LinuxPlane, esp, leftovers, netns, processes
from gatewright.resources.specs import ItemKey, Kind
from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import Lab, Told, run, vswitch
from tests.plane.linux.sites import DOWN, gateway
from tests.plane.linux.test_ownership import sleeping
from tests.plane.linux.tunnel_watch import Heard, opened

INSTANCE = ItemKey(Kind.INSTANCE, "vpn-1")


@pytest.mark.usefixtures("carried_by")
def test_a_namespace_alone_is_found_and_removed(lab: Lab) -> None:
    name = f"gw-{lab.installation}-tunnel.7.vpn-1"
    run("ip", "netns", "add", name)
    assert f"namespace {name}" in leftovers(lab.installation, lab.runtime)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.remove(INSTANCE)
        assert lab.nothing_left()

    async def main() -> None:
        async with opened(lab, Heard()) as (plane, found):
            assert found == {INSTANCE: 0}
            await scenario(plane, Heard())

    asyncio.run(main())


def test_a_folder_that_has_no_tunnel_any_more_is_found_and_removed(lab: Lab) -> None:
    """What an agent leaves that is killed after a tunnel's own folder and before the instance's."""
    (lab.runtime / lab.installation / "tunnels" / "vpn-1").mkdir(parents=True)

    async def main() -> None:
        async with opened(lab, Heard()) as (plane, found):
            assert found == {INSTANCE: 0}
            await plane.remove(INSTANCE)
            assert lab.nothing_left()

    asyncio.run(main())


@pytest.mark.usefixtures("carried_by")
def test_what_the_host_has_set_of_addresses_is_not_set_for_tunnels(lab: Lab) -> None:
    """New namespaces have what the host has: with this, the charon would be found by no peer."""
    spec = gateway(tunnel(initiate=False))
    set_on_hosts, wanted = {"arp_ignore": "2", "arp_announce": "0"}, {"arp_ignore": "1", "arp_announce": "2"}

    async def main() -> None:
        async with opened(lab, Heard()) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(gateway())
            name = f"gw-{lab.installation}-tunnel.1.vpn-1"
            run("ip", "netns", "add", name)
            for setting, value in set_on_hosts.items():
                for which in ("all", "default"):
                    command = ("sysctl", "-qw", f"net.ipv4.conf.{which}.{setting}={value}")
                    run("ip", "netns", "exec", name, *command)
            await plane.apply(spec)
            for setting, value in wanted.items():
                told = run("ip", "netns", "exec", name, "cat", f"/proc/sys/net/ipv4/conf/uplink/{setting}")
                assert told.strip() == value

    asyncio.run(main())


def test_the_hosts_processes_are_looked_at_once_for_each_tunnel_that_is_removed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of hundreds of tunnels each has a charon, so that a look at them all takes long then."""
    spec = gateway(tunnel(1, initiate=False), tunnel(2, "198.51.100.51", initiate=False))
    looks: list[str] = []
    running = processes.running

    def counted() -> Iterator[tuple[int, netns.Identity]]:
        looks.append("look")
        return running()

    async def main() -> None:
        async with opened(lab, Heard()) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(spec)
            with netns.entered(lab.names.tunnel_namespace(spec.id, 2)):
                stray = sleeping()
            monkeypatch.setattr(processes, "running", counted)
            await plane.apply(gateway(generation=2))
            # and once for the instance's BIRD
            assert looks == ["look"] * 3
            assert stray.ended()
            stray.close()
            await plane.remove(INSTANCE)
            await plane.remove(vswitch().key)
        assert lab.nothing_left()

    asyncio.run(main())


@pytest.mark.usefixtures("carried_by")
def test_settings_of_a_tunnels_namespace_are_looked_at_and_not_changed_by_looking(lab: Lab) -> None:
    spec = gateway(tunnel(initiate=False))
    settings = {
        "ipv6/conf/all/disable_ipv6": "1",
        "ipv4/conf/all/arp_ignore": "1",
        "ipv4/conf/uplink/arp_announce": "2",
    }
    inside = ("ip", "netns", "exec", f"gw-{lab.installation}-tunnel.1.vpn-1")

    async def main() -> None:
        async with opened(lab, Heard()) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(spec)
        for name, value in settings.items():
            path = f"/proc/sys/net/{name}"
            assert run(*inside, "cat", path).strip() == value
            run(*inside, "sysctl", "-qw", f"net/{name}=0")
            async with opened(lab, Heard()) as (plane, found):
                assert found[INSTANCE] == 0, name
                assert run(*inside, "cat", path).strip() == "0"
                await plane.apply(spec)
            assert run(*inside, "cat", path).strip() == value
            async with opened(lab, Heard()) as (_, found):
                assert found[INSTANCE] == spec.generation, name

    asyncio.run(main())


def test_what_stands_for_charons_device_is_mended(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esp, "backend", lambda: esp.Backend.USERSPACE)
    is_seen_and_mended(lab, ("ip", "-n", "{tunnel}", "link", "delete", "ipsec0"), "link ipsec0 in")


@pytest.mark.usefixtures("carried_by")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("ip", "-n", "{tunnel}", "route", "delete", "default"), "routes of table 254 differ"),
        (("ip", "-n", "{tunnel}", "address", "delete", "198.51.100.1/32", "dev", "uplink"), "addresses of link uplink"),
        (("ip", "-n", "{instance}", "address", "add", "10.77.0.1/32", "dev", "tun1"), "addresses of link tun1"),
        (("ip", "-n", "{instance}", "link", "delete", "ike1"), "link ike1"),
        (("ip", "-n", "{instance}", "link", "delete", "tun1"), "link tun1 is gone"),
        (("ip", "-n", "{instance}", "rule", "delete", "priority", "1300"), "routing rules of priority 1300"),
        (("ip", "-n", "{instance}", "rule", "delete", "fwmark", "1"), "routing rules of priority 110 differ: fwmark 1"),
        (("ip", "netns", "delete", "{tunnel}"), "is gone"),
    ],
)
def test_what_is_taken_away_by_hand_is_seen_and_mended(lab: Lab, command: tuple[str, ...], said: str) -> None:
    is_seen_and_mended(lab, command, said)


def is_seen_and_mended(lab: Lab, command: tuple[str, ...], said: str) -> None:
    spec = gateway(tunnel(initiate=False))
    told = Told()

    async def main() -> None:
        heard = Heard()
        async with opened(lab, heard, changed=told) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(spec)
            await heard.status("tun-1", DOWN)
            names = {"tunnel": f"gw-{lab.installation}-tunnel.1.vpn-1", "instance": lab.namespace(spec)}
            run(*(word.format(**names) for word in command))
            # the host's namespaces are looked at one after the other, now and then
            key, reason = await told.next(15)
            assert key == INSTANCE
            assert said in reason
            await plane.apply(spec)
        async with opened(lab, Heard()) as (_, found):
            assert found[INSTANCE] == spec.generation

    asyncio.run(main())
