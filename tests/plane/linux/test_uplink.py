"""The public pool on an interface of the host: reached from outside by what is said and by nothing else.

The host is a namespace, its interface leads to a machine outside, and the plane runs there in a process of its own.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import netns
from gatewright.resources.specs import InstanceSpec, PublicLeg
from tests.plane.linux.customer import tunnel
from tests.plane.linux.driver import Elsewhere
from tests.plane.linux.lab import Lab, instance, run, vswitch
from tests.plane.linux.machines import Machine

#: A message of an IKE version that there is not, which charon answers: RFC 7296, 2.5.
IKE = bytes.fromhex("0102030405060708 0000000000000000 00 30 22 08 00000000 0000001c")


@dataclass
class Site:
    """A host with ``eth1`` (192.0.2.2/24) to a machine outside (192.0.2.1), and ``eth0`` to one inside (10.1.1.2)."""

    lab: Lab
    host: Machine
    outside: Machine
    inside: Machine

    def plane(self, mode: str | None, pool: str = "198.51.100.0/24", interface: str = "eth1") -> Elsewhere:
        uplink = (interface, mode, pool) if mode else None
        return Elsewhere(self.host.name, self.lab.installation, self.lab.runtime, uplink)

    def state(self) -> tuple[str, ...]:
        """What of the host's own might be changed."""
        settings = ("conf.eth1.forwarding", "conf.eth0.forwarding", "conf.all.forwarding", "neigh.eth1.proxy_delay")
        return (
            *(self.host.run("sysctl", "-n", f"net.ipv4.{name}").strip() for name in settings),
            self.host.run("nft", "list", "ruleset", "inet"),
            self.host.ip("neigh", "show", "proxy"),
            self.host.ip("route", "show"),
            " ".join(sorted(link["ifname"] for link in json.loads(self.host.ip("-j", "link", "show")))),
        )


@pytest.fixture
def site(lab: Lab) -> Iterator[Site]:
    host, outside, inside = (Machine(f"test-{part}-{uuid.uuid4().hex[:8]}") for part in ("host", "out", "in"))
    for machine in (host, outside, inside):
        run("ip", "netns", "add", machine.name)
        machine.ip("link", "set", "lo", "up")
    for link, peer in (("eth1", outside), ("eth0", inside)):
        host.ip("link", "add", link, "type", "veth", "peer", "eth0", "netns", peer.name)
        host.ip("link", "set", link, "up")
        peer.ip("link", "set", "eth0", "up")
    host.ip("address", "add", "192.0.2.2/24", "dev", "eth1")
    outside.ip("address", "add", "192.0.2.1/24", "dev", "eth0")
    host.ip("route", "add", "default", "via", "192.0.2.1")
    host.ip("address", "add", "10.1.1.1/24", "dev", "eth0")
    inside.ip("address", "add", "10.1.1.2/24", "dev", "eth0")
    inside.ip("route", "add", "default", "via", "10.1.1.1")
    yield Site(lab, host, outside, inside)
    for machine in (host, outside, inside):
        run("ip", "netns", "delete", machine.name)


def public(*addresses: str, pool: str = "198.51.100.0/24", number: int = 1) -> InstanceSpec:
    """With a tunnel to the machine outside, whose IKE it answers."""
    spec = instance(number, address=f"10.9.1.{number}")
    made = tunnel(1, "192.0.2.1", gateway=addresses[0], initiate=False)
    return msgspec.structs.replace(spec, public=PublicLeg(addresses=addresses, network=pool), tunnels=(made,))


def ike_answered(machine: Machine, address: str) -> bool:
    """Whether something answers on UDP port 500. The socket is opened in the machine's namespace, by a thread there."""

    def ask() -> bool:
        with netns.entered(machine.name):
            channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with channel:
            channel.settimeout(1)
            channel.connect((address, 500))
            for _ in range(3):
                try:
                    channel.send(IKE)
                    return len(channel.recv(1000)) > 0
                except (TimeoutError, OSError):
                    continue
        return False

    with ThreadPoolExecutor(1) as worker:
        return worker.submit(ask).result()


def test_without_an_uplink_the_pool_leads_nowhere(site: Site) -> None:
    site.outside.ip("route", "add", "198.51.100.0/24", "via", "192.0.2.2")
    before = site.state()
    with site.plane(None) as plane:
        plane.apply(vswitch(), public("198.51.100.2"))
        assert site.state()[:-1] == before[:-1], "but for the bridges and legs"
        assert not site.outside.reaches("198.51.100.2")
        assert not ike_answered(site.outside, "198.51.100.2")
        plane.remove(public("198.51.100.2").key, vswitch().key)
    assert site.state() == before


def test_routed(site: Site) -> None:
    site.outside.ip("route", "add", "198.51.100.0/24", "via", "192.0.2.2")
    before = site.state()
    one, other = public("198.51.100.2"), public("198.51.100.3", number=2)
    with site.plane("routed") as plane:
        plane.apply(vswitch(), one, other)
        assert site.outside.reaches("198.51.100.2")
        assert ike_answered(site.outside, "198.51.100.2")
        assert ike_answered(site.outside, "198.51.100.3")
        forwarding = ("conf.eth1.forwarding", "conf.eth0.forwarding", "conf.all.forwarding")
        found = [site.host.run("sysctl", "-n", f"net.ipv4.{name}").strip() for name in forwarding]
        assert found == ["1", "0", "0"]
        protected(site, one, "198.51.100.1")
        plane.remove(one.key)
        assert not site.outside.reaches("198.51.100.2")
        assert site.outside.reaches("198.51.100.3")
        plane.remove(other.key, vswitch().key)
    assert site.state() == before
    assert site.lab.nothing_left()


def test_proxy_arp_within_the_interfaces_own_network(site: Site) -> None:
    """The pool is the network that the interface is in: outside nobody knows of this host, but by ARP."""
    pool = "192.0.2.0/24"
    before = site.state()
    one, other = public("192.0.2.20", pool=pool), public("192.0.2.21", "192.0.2.22", pool=pool, number=2)
    with site.plane("proxy-arp", pool) as plane:
        plane.apply(vswitch(), one, other)
        for address in ("192.0.2.20", "192.0.2.21", "192.0.2.22"):
            assert site.outside.reaches(address)
        assert ike_answered(site.outside, "192.0.2.20")
        assert not site.outside.reaches("192.0.2.23"), "of the pool, and not in use"
        assert site.host.reaches("192.0.2.1"), "the host's own connection is as it was"
        protected(site, one, "192.0.2.2")
        plane.apply(public("192.0.2.21", pool=pool, number=2))
        assert site.outside.reaches("192.0.2.21")
        assert "192.0.2.22" not in site.host.ip("neigh", "show", "proxy") + site.host.ip("route", "show")
        site.host.ip("neigh", "delete", "proxy", "192.0.2.20", "dev", "eth1")
        site.host.run("nft", "flush", "ruleset")
        site.host.run("sysctl", "-w", "net.ipv4.conf.eth1.forwarding=0")
        plane.apply(one)
        site.outside.ip("neigh", "flush", "all")
        assert site.outside.reaches("192.0.2.20")
        assert "drop" in site.host.run("nft", "list", "ruleset")
        plane.remove(one.key, other.key, vswitch().key)
    assert site.state() == before
    assert site.lab.nothing_left()


def test_proxy_arp_for_a_part_of_the_interfaces_network(site: Site) -> None:
    pool = "192.0.2.64/28"
    before = site.state()
    one = public("192.0.2.66", pool=pool)
    with site.plane("proxy-arp", pool) as plane:
        plane.apply(vswitch(), one)
        assert site.outside.reaches("192.0.2.66")
        assert ike_answered(site.outside, "192.0.2.66")
        plane.remove(one.key, vswitch().key)
    assert site.state() == before


def protected(site: Site, spec: InstanceSpec, host_address: str) -> None:
    """The host and what is behind it are not reached by way of what was opened."""
    site.outside.ip("route", "replace", "10.1.1.0/24", "via", "192.0.2.2")
    assert not site.outside.reaches("10.1.1.2"), "the host is no router between its own interfaces"
    namespace = site.lab.namespace(spec)
    assert spec.public is not None
    assert not site.inside.reaches(spec.public.addresses[0])
    assert not tcp_answered(namespace, host_address), "nothing of the host but ICMP"
    assert "1 received" in run("ip", "netns", "exec", namespace, "ping", "-c", "1", "-W", "2", host_address)
    assert "1 received" not in run(
        *("ip", "netns", "exec", namespace, "ping", "-c", "1", "-W", "1", "10.1.1.2"), check=False
    )


def tcp_answered(namespace: str, address: str) -> bool:
    """Whether a closed port refuses, as a host without a filter does."""
    command = f"timeout 1 bash -c '</dev/tcp/{address}/22'; echo $?"
    return run("ip", "netns", "exec", namespace, "bash", "-c", command, check=False).split()[-1] != "124"


def test_what_cannot_be_is_refused_and_changes_nothing(site: Site) -> None:
    before = site.state()

    def refused(words: str, mode: str, pool: str = "198.51.100.0/24", interface: str = "eth1") -> None:
        with site.plane(mode, pool, interface) as plane:
            first = str(ipaddress.IPv4Network(pool)[2])
            plane.apply(vswitch())
            with pytest.raises(PlaneError, match=words):
                plane.apply(public(first, pool=pool))
            plane.remove(public(first, pool=pool).key, vswitch().key)
        assert site.state() == before

    refused("this host has no such interface", "routed", interface="eth7")
    refused("overlaps the interface's own network 192.0.2.0/24", "routed", pool="192.0.2.0/25")
    refused("192.0.2.2 is this host's own", "proxy-arp", pool="192.0.2.0/24")
    refused("overlaps 10.1.1.0/24, which this host has on eth0", "routed", pool="10.1.1.0/29")
    refused("overlaps 10.1.1.0/24, which this host has on eth0", "proxy-arp", pool="10.1.0.0/16")
    assert site.host.reaches("10.1.1.2")
    site.host.ip("route", "add", "198.51.100.7", "via", "10.1.1.2")
    before = site.state()
    refused("has a route to 198.51.100.7/32 of the pool over eth0", "proxy-arp")
    site.host.ip("route", "replace", "198.51.100.2", "via", "192.0.2.1")
    site.host.ip("route", "delete", "198.51.100.7")
    before = site.state()
    refused("setting the route to 198.51.100.2/32: this host has another one", "proxy-arp")
    site.host.ip("route", "delete", "198.51.100.2")
    site.host.ip("link", "set", "eth1", "down")
    before = site.state()
    refused("it is down: ip link set eth1 up", "routed")


def test_a_changed_configuration_takes_the_place_of_the_one_before(site: Site) -> None:
    site.outside.ip("route", "add", "198.51.100.0/24", "via", "192.0.2.2")
    before = site.state()
    one = public("198.51.100.2")
    with site.plane("routed") as plane:
        plane.apply(vswitch(), one)
        assert site.outside.reaches("198.51.100.2")
    with site.plane("proxy-arp") as plane:
        plane.apply(vswitch(), one)
        assert site.outside.reaches("198.51.100.2")
        assert "198.51.100.2" in site.host.ip("neigh", "show", "proxy")
    with site.plane(None) as plane:
        plane.apply(vswitch(), one)
        assert not site.outside.reaches("198.51.100.2")
        assert site.state()[:-1] == before[:-1]
        plane.remove(one.key, vswitch().key)
    assert site.state() == before


def hardware_address(machine: Machine, link: str) -> str:
    return str(json.loads(machine.ip("-j", "link", "show", link))[0]["address"])


def test_neighbours_that_knew_an_address_elsewhere_are_told_that_it_is_here(site: Site) -> None:
    pool = "192.0.2.0/24"
    one = public("192.0.2.20", pool=pool)
    with site.plane("proxy-arp", pool) as plane:
        site.outside.ip("neigh", "replace", "192.0.2.20", "lladdr", "02:00:00:00:00:07", "dev", "eth0", "nud", "stale")
        plane.apply(vswitch(), one)
        known = json.loads(site.outside.ip("-j", "neigh", "show", "192.0.2.20"))
        assert [entry["lladdr"] for entry in known] == [hardware_address(site.host, "eth1")]
        assert site.outside.reaches("192.0.2.20")
        plane.remove(one.key, vswitch().key)


@pytest.mark.parametrize("mode", ["routed", "proxy-arp"])
def test_what_is_taken_from_the_way_outside_is_told_and_mended(site: Site, mode: str) -> None:
    site.outside.ip("route", "add", "198.51.100.0/24", "via", "192.0.2.2")
    one, bridge = public("198.51.100.2"), site.lab.names.uplink.name
    table = f"gatewright-{site.lab.installation}-uplink"
    sysctl = "sysctl", "-w"
    cases = [
        (("nft", "delete", "table", "inet", table), f"table inet {table} of nftables is gone"),
        (("nft", "insert", "rule", "inet", table, "forward", "accept"), f"table inet {table} of nftables was changed"),
        ((*sysctl, "net.ipv4.conf.eth1.forwarding=0"), "setting ipv4/conf/eth1/forwarding was changed"),
        ((*sysctl, f"net.ipv4.conf.{bridge}.forwarding=0"), f"setting ipv4/conf/{bridge}/forwarding was changed"),
    ]
    if mode == "routed":
        cases += [(("ip", "address", "flush", "dev", bridge), f"addresses of bridge {bridge} differ")]
    else:
        cases += [
            ((*sysctl, f"net.ipv4.conf.{bridge}.proxy_arp=0"), f"setting ipv4/conf/{bridge}/proxy_arp was changed"),
            (("ip", "route", "delete", "198.51.100.2/32"), f"the route to 198.51.100.2 over bridge {bridge} is gone"),
        ]
    with site.plane(mode) as plane:
        plane.apply(vswitch(), one)
        assert site.outside.reaches("198.51.100.2")
        for command, reason in cases:
            assert plane.told(0) == ""
            site.host.run(*command)
            began = time.monotonic()
            said = plane.told()
            assert said.startswith(f"{one.key}: "), command
            assert reason in said
            assert time.monotonic() - began < 2
            plane.apply(one)
            assert site.outside.reaches("198.51.100.2"), command
        site.host.ip("route", "add", "198.51.100.77/32", "via", "192.0.2.1")
        site.host.ip("address", "add", "192.0.2.9/24", "dev", "eth1")
        assert plane.told(0.5) == "", "that is the host's own business"
        site.host.ip("link", "set", "eth1", "down")
        assert plane.told() == f"{one.key}: uplink eth1 is down"
        with pytest.raises(PlaneError, match="it is down: ip link set eth1 up"):
            plane.apply(one)
        site.host.ip("link", "set", "eth1", "up")
        plane.apply(one)
        assert site.outside.reaches("198.51.100.2")
        plane.remove(one.key, vswitch().key)


def test_what_a_killed_agent_or_a_flush_left_is_removed_to_the_end(site: Site) -> None:
    site.outside.ip("route", "add", "198.51.100.0/24", "via", "192.0.2.2")
    before = site.state()
    one = public("198.51.100.2")
    table = ("inet", f"gatewright-{site.lab.installation}-uplink")
    with site.plane("routed") as plane:
        plane.apply(vswitch(), one)
        assert site.outside.reaches("198.51.100.2")
        site.host.run("nft", "delete", "table", *table)
        plane.remove(one.key)
        plane.apply(one)
        site.host.run("nft", "delete", "table", *table)
    with site.plane("proxy-arp") as plane:
        plane.apply(one)
        assert site.outside.reaches("198.51.100.2")
        plane.remove(one.key, vswitch().key)
    assert site.state() == before
    assert site.lab.nothing_left()


@pytest.mark.parametrize("before", ["0", "1"])
def test_a_host_that_becomes_a_router_or_ceases_to_be_one_is_left_so(site: Site, before: str) -> None:
    after = "1" if before == "0" else "0"
    one = public("198.51.100.2")
    site.outside.ip("route", "add", "198.51.100.0/24", "via", "192.0.2.2")
    site.outside.ip("route", "add", "10.1.1.0/24", "via", "192.0.2.2")
    site.host.run("sysctl", "-w", f"net.ipv4.ip_forward={before}")
    with site.plane("routed") as plane:
        plane.apply(vswitch(), one)
        assert site.outside.reaches("10.1.1.2") == (before == "1")
        site.host.run("sysctl", "-w", f"net.ipv4.ip_forward={after}")
        plane.apply(one)
        assert site.outside.reaches("198.51.100.2")
        assert site.outside.reaches("10.1.1.2") == (after == "1")
        plane.remove(one.key, vswitch().key)
    forwarding = ("ip_forward", "conf.eth1.forwarding", "conf.eth0.forwarding")
    assert {site.host.run("sysctl", "-n", f"net.ipv4.{name}").strip() for name in forwarding} == {after}
    assert site.outside.reaches("10.1.1.2") == (after == "1")
