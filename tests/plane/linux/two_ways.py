"""A gateway as a service has made it of orders, a customer's site with two tunnels to it, and a stream through one of
them: what tests and ``bench`` do harm to, and wait for until it is whole again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gatewright.peers import bird, peer
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import TunnelSpec
from tests.plane.linux.lab import kill, run
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.two_tunnels import HOST, NETWORK, TwoTunnels, two_tunnels, until
from tests.support.client import Client
from tests.support.service import Service
from tests.support.stream import Stream

ROLES = ("master", "slave")
KEYS = ("first-key", "second-key")
#: The edges' public addresses, of the pool that gateways have theirs of.
EDGES = ("198.19.200.50", "198.19.200.51")
#: The VPC, its first vSwitch, and the machine there.
VPC, INSIDE_NETWORK, INSIDE = "10.0.0.0/8", "10.1.0.0/24", "10.1.0.100"
UP = "ipsec_sa_established"
_RUNTIME = Path("/run/gatewright")


@dataclass
class Ways:
    """A dual-tunnel gateway that speaks BGP, with BFD, with a site that was configured as ``peer-config`` prints it."""

    client: Client
    names: Names
    vpc: str
    gateway: str
    connection: str
    site: TwoTunnels
    inside: Machine

    def stream(self) -> Stream:
        """From the machine in the VPC to the site's host and back."""
        return Stream(self.inside.name, self.site.host.name, HOST)

    def instance(self, role: str = "master") -> InstanceSpec:
        """As its host has applied it."""
        return instances(self.names)[self.gateway, role]

    def tunnel(self, role: str = "master") -> TunnelSpec:
        return self.instance(role).tunnels[0]

    def told(self) -> dict[str, tuple[str, str]]:
        """What the API tells of each tunnel, and of BGP in it."""
        answer = self.client.call("DescribeVpnConnection", VpnConnectionId=self.connection)
        tunnels = answer["TunnelOptionsSpecification"]["TunnelOptions"]
        return {one["Role"]: (one["Status"], one["TunnelBgpConfig"]["BgpStatus"]) for one in tunnels}

    def routes(self) -> str:
        """Those of the VPC's router to the site, the ones that are used first."""
        return run("ip", "-n", self.names.router_namespace(self.vpc), "route", "show", "table", "all", NETWORK)

    def ways(self) -> tuple[str, str]:
        """Whose tunnels packets take now, as the VPC's router has it and as the site has it."""
        hops = [line.split()[2] for line in self.routes().splitlines()]
        theirs = self.site.core.ip("route", "show", VPC).split()
        place = [self.site.link(number) for number in (0, 1)].index(theirs[4]) if theirs else None
        return self.roles.get(hops[0], "") if hops else "", "" if place is None else ROLES[place]

    @cached_property
    def roles(self) -> dict[str, str]:
        """Of instances, by their private addresses."""
        return {self.instance(role).private.address: role for role in ROLES}

    def whole(self, stream: Stream | None = None) -> None:
        """Wait until both tunnels are up, BFD watches them, and packets take the master's both ways."""
        until(self.site.sessions_up, "BGP and BFD through both tunnels")
        until(lambda: self.told() == dict.fromkeys(ROLES, (UP, "success")), "the API to tell of them")
        until(lambda: self.ways() == ("master", "master"), "packets to take the master's tunnel")
        if stream is not None:
            stream.goes_on(stream.now())


@dataclass
class TwoWays(Ways):
    """All of it on this host, made by one service."""

    service: Service

    # harm to the master's half

    def cut(self, *, mended: bool = False) -> None:
        """Have nothing pass between the master's public leg and anybody, or everything again; no link goes down."""
        port = self.names.wan(self.instance().id).name
        run("bridge", "link", "set", "dev", port, "state", "forwarding" if mended else "disabled")

    def mend(self) -> bool:
        """Whether everything passes by the master's public leg again, which may have to be made anew first."""
        try:
            self.cut(mended=True)
        except subprocess.CalledProcessError:
            return False
        return True

    def kill_charon(self) -> None:
        """SIGKILL to what carries the master's tunnel."""
        for pid in run("ip", "netns", "pids", self._tunnels_own()).split():
            kill(int(pid))

    def take_namespace(self) -> None:
        """Delete the master's namespaces, with a SIGKILL to all that runs in them."""
        namespaces = self._tunnels_own(), self.names.namespace(self.instance().id)
        pids = [int(pid) for one in namespaces for pid in run("ip", "netns", "pids", one).split()]
        # their names first: what is killed before is mended before the rest is gone
        for one in namespaces:
            run("ip", "netns", "delete", one)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def _tunnels_own(self) -> str:
        return self.names.tunnel_namespace(self.instance().id, self.tunnel().number)


def instances(names: Names, runtime: Path = _RUNTIME) -> dict[tuple[str, str], InstanceSpec]:
    """By gateway and role, as a host has applied them."""
    folders = Folders(names.installation, runtime)
    found = (folders.of(key).applied() for key in folders.found())
    return {(one.gateway_id, one.role): one for one in found if isinstance(one, InstanceSpec)}


def tunnel_options(ends: list[str], **more: Any) -> str:
    """``TunnelOptionsSpecification`` for two customer gateways, with BGP."""
    return json.dumps(
        [
            {
                "Role": role,
                "CustomerGatewayId": end,
                "TunnelIkeConfig": {"Psk": key, "IkeVersion": "ikev2", "IkeAuthAlg": "sha256", "IkePfs": "group14"},
                "TunnelIpsecConfig": {"IpsecAuthAlg": "sha256", "IpsecPfs": "group14"},
                "TunnelBgpConfig": {
                    "LocalAsn": 65001,
                    "TunnelCidr": f"169.254.{number}.0/30",
                    "LocalBgpIp": f"169.254.{number}.1",
                },
                **more,
            }
            for number, (role, end, key) in enumerate(zip(ROLES, ends, KEYS, strict=True), 10)
        ]
    )


def order(client: Client, vswitches: list[tuple[str, str]], places: tuple[int, int]) -> tuple[str, list[str], str, str]:
    """Order a VPC with vSwitches of these zones and networks, and a gateway in two of them that speaks BGP.

    Gives the VPC, the vSwitches, the gateway and the connection.
    """
    vpc = client.call("CreateVpc", CidrBlock=VPC)["VpcId"]
    made = [
        str(client.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=network)["VSwitchId"])
        for zone, network in vswitches
    ]
    first, second = (made[place] for place in places)
    gateway = client.call(
        "CreateVpnGateway", VpcId=vpc, VSwitchId=first, DisasterRecoveryVSwitchId=second, Bandwidth=1000
    )["VpnGatewayId"]
    until(lambda: client.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active", "the gateway")
    client.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, AutoPropagate=True)
    ends = [client.call("CreateCustomerGateway", IpAddress=one, Asn="65010")["CustomerGatewayId"] for one in EDGES]
    connection = client.call(
        "CreateVpnConnection",
        VpnGatewayId=gateway,
        LocalSubnet="0.0.0.0/0",
        RemoteSubnet="0.0.0.0/0",
        EffectImmediately=True,
        AutoConfigRoute=False,
        EnableTunnelsBgp=True,
        TunnelOptionsSpecification=tunnel_options(ends),
    )["VpnConnectionId"]
    return vpc, made, gateway, connection


def configure(site: TwoTunnels, client: Client, connection: str, tunnels: dict[str, TunnelSpec]) -> None:
    """Have a site be the other end of a connection: charons of its tunnels, and BIRD as ``peer-config`` prints it."""
    for place, (role, key) in enumerate(zip(ROLES, KEYS, strict=True)):
        site.answer(place, tunnels[role], key)
    answer = client.call("DownloadVpnConnectionConfig", VpnConnectionId=connection)
    described = client.call("DescribeVpnConnection", VpnConnectionId=connection)
    device = peer(answer, described, local_networks=(NETWORK,), remote_networks=(VPC,))
    site.speak(bird.config(device, {one.id: site.link(ROLES.index(one.role)) for one in device.tunnels}))


@contextlib.contextmanager
def two_ways(service: Service) -> Iterator[TwoWays]:
    """All of it, on a service of the linux plane; the site is gone at the end, the gateway is not. It is whole."""
    client, names = service.client(), Names(service.installation)
    zones = [("cn-hangzhou-k", INSIDE_NETWORK), ("cn-hangzhou-j", "10.2.0.0/24")]
    vpc, vswitches, gateway, connection = order(client, zones, (0, 1))
    machines = Machines()
    try:
        inside = machines.plug(names.vswitch(vswitches[0]).name, f"{INSIDE}/24", "10.1.0.253")
        with two_tunnels(machines, [(names.uplink.name, f"{one}/15") for one in EDGES]) as site:
            ways = TwoWays(client, names, vpc, gateway, connection, site, inside, service)
            until(lambda: all(ways.instance(role).tunnels for role in ROLES), "the tunnels on the host")
            configure(site, client, connection, {role: ways.tunnel(role) for role in ROLES})
            ways.whole()
            yield ways
    finally:
        machines.remove()
