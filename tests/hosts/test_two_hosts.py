"""A gateway whose halves live on two hosts, with real agents, packets and certificates; and what becomes of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.hosts.machines import Machine, Site, until
from tests.support.client import Client
from tests.support.connections import connect

K, J = "cn-hangzhou-k", "cn-hangzhou-j"


@pytest.fixture
def site() -> Iterator[Site]:
    if os.geteuid() != 0:
        pytest.skip("machines of namespaces need root")
    from gatewright.plane.linux import requirements

    missing = requirements()
    if missing:
        pytest.skip(" ".join(missing))
    with Site() as made:
        made.serve()
        yield made


def network(client: Client) -> tuple[str, str, str]:
    vpc = client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first, second = (
        client.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=f"10.{number}.0.0/24")["VSwitchId"]
        for number, zone in enumerate((K, J), 1)
    )
    return vpc, first, second


def order(client: Client, inside: tuple[str, str, str]) -> str:
    vpc, first, second = inside
    gateway: str = client.call(
        "CreateVpnGateway", VpcId=vpc, VSwitchId=first, DisasterRecoveryVSwitchId=second, Bandwidth=10
    )["VpnGatewayId"]
    return gateway


def connected(client: Client, gateway: str) -> str:
    """Have a connection, whose tunnels are in both halves, and so daemons there."""
    until(lambda: status(client, gateway) == "active", "the gateway")
    connection = connect(client, gateway)
    until(lambda: status(client, gateway) == "active", "the gateway with a connection")
    return connection


def delete(client: Client, gateway: str, connection: str) -> None:
    client.call("DeleteVpnConnection", VpnConnectionId=connection)
    until(lambda: status(client, gateway) == "active", "the gateway without a connection")
    client.call("DeleteVpnGateway", VpnGatewayId=gateway)


def status(client: Client, gateway: str) -> str:
    told: str = client.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"]
    return told


def plug(machine: Machine, name: str, vswitch: str, address: str, router: str) -> None:
    """A machine of somebody's in a vSwitch: a namespace with a leg in the bridge."""
    bridge = machine.aliases()[f"vswitch:{vswitch}"]
    machine.run("ip", "netns", "add", name)
    machine.run(*("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name))
    machine.run("ip", "link", "set", name, "master", bridge, "up")
    machine.run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
    machine.run("ip", "-n", name, "link", "set", "eth0", "up")
    machine.run("ip", "-n", name, "route", "add", "default", "via", router)


def reaches(machine: Machine, name: str, address: str) -> bool:
    ping = ("ip", "netns", "exec", name, "ping", "-n", "-c", "1", "-W", "1", address)
    return " 1 received" in machine.run(*ping, check=False)


def test_a_gateway_on_two_hosts_lives_through_what_happens_to_them(site: Site) -> None:
    one, two = site.add("one", K, 11), site.add("two", J, 12)
    with site.client() as client:
        inside = network(client)
        gateway = order(client, inside)
        connection = connected(client, gateway)
        assert (one.namespaces(), two.namespaces()) == ({f"{gateway}-1"}, {f"{gateway}-2"})
        assert site.control.namespaces() == set()
        # A host has what it runs and nothing else.
        assert f"vswitch:{inside[1]}" in one.aliases()
        assert f"vswitch:{inside[1]}" not in two.aliases()

        # The second zone's vSwitch is on the first host too, because the VPC's router is there.
        described = client.call("DescribeVpnGateway", VpnGatewayId=gateway)
        plug(one, "near", inside[2], "10.2.0.200", "10.2.0.253")
        until(lambda: reaches(one, "near", "10.2.0.1"), "the slave's private address, over VXLAN", 20)
        # From the first vSwitch on the first host to the second one on the second host: through the router.
        plug(one, "here", inside[1], "10.1.0.200", "10.1.0.253")
        plug(two, "there", inside[2], "10.2.0.201", "10.2.0.253")
        until(lambda: reaches(one, "here", "10.2.0.201"), "the other zone's machine, through the VPC's router", 20)

        # An agent that is killed changes nothing, and the next one finds everything.
        daemons = one.processes(f"{gateway}-1")
        assert len(daemons) == 2
        one.kill("agent")
        assert one.processes(f"{gateway}-1") == daemons
        assert status(client, gateway) == "active"
        site.start_agent("one")
        client.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, AutoPropagate=True)
        until(lambda: status(client, gateway) == "active", "the changed gateway")
        assert one.processes(f"{gateway}-1") == daemons

        # Drained, the first host gives its half to another one of its zone.
        public = described["InternetIp"]
        assert public in one.inside(f"{gateway}-1", "ip", "address", "show", "wan")
        three = site.add("three", K, 13)
        site.hosts("drain", "one")
        until(lambda: three.namespaces() == {f"{gateway}-1"}, "the half on the third host")
        assert one.namespaces() == set()
        until(lambda: status(client, gateway) == "active", "the moved gateway")
        assert public in three.inside(f"{gateway}-1", "ip", "address", "show", "wan")
        assert len(two.processes(f"{gateway}-2")) == 2
        until(lambda: "one" in site.hosts("list") and "drained" in site.hosts("list"), "the first host to be empty")
        assert set(one.aliases()) == set()

        # Removed, its agent is refused.
        site.hosts("remove", "one")
        until(lambda: "none of a host of this installation" in one.said("agent"), "the refusal", 20)
        assert one.alive("agent")

        delete(client, gateway, connection)
        until(lambda: client.call("DescribeVpnGateways")["TotalCount"] == 0, "the gateway to be gone")
        assert (two.namespaces(), three.namespaces()) == (set(), set())


def test_a_revoked_certificate_is_refused_at_once_and_a_dead_hosts_half_is_built_elsewhere(site: Site) -> None:
    one, two = site.add("one", K, 11), site.add("two", J, 12)
    with site.client() as client:
        inside = network(client)
        gateway = order(client, inside)
        connection = connected(client, gateway)
        daemons = two.processes(f"{gateway}-2")
        assert len(daemons) == 2
        # Nobody else serves the zone: the control plane's own machine stands in.
        site.hosts("remove", "two", "--fenced")
        until(lambda: "none of a host of this installation" in two.said("agent"), "the refusal", 20)
        until(lambda: site.control.namespaces() == {f"{gateway}-2"}, "the half on the control plane's machine")
        until(lambda: status(client, gateway) == "active", "the gateway again")
        # What the host has, it keeps: that it is fenced was a person's word.
        assert two.processes(f"{gateway}-2") == daemons
        delete(client, gateway, connection)
        until(lambda: client.call("DescribeVpnGateways")["TotalCount"] == 0, "the gateway to be gone")
        assert one.namespaces() == set()
        assert two.namespaces() == {f"{gateway}-2"}
