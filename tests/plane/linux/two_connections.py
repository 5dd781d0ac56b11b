"""A single-tunnel gateway with two connections to one site, an active one and a standby, as orders make it.

Nobody speaks BGP: that a tunnel carries nothing is noticed by a health check at both ends, or by DPD.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gatewright.plane.linux import netns
from gatewright.plane.linux.names import Names
from gatewright.resources.specs import InstanceSpec
from tests.plane.linux.lab import run
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.packets import icmp
from tests.plane.linux.two_tunnels import HOST, NETWORK, TwoTunnels, two_tunnels, until
from tests.plane.linux.two_ways import INSIDE, INSIDE_NETWORK, KEYS, UP, VPC, instances
from tests.support.client import Client
from tests.support.service import Service
from tests.support.stream import Stream

#: A region whose gateways have one tunnel to a connection.
REGION = "ap-south-1"
EDGES = ("198.19.200.60", "198.19.200.61")
#: What each connection's health check asks: an address of the site that is reached and answers by that tunnel only.
_CHECKED = ("172.16.2.1", "172.16.3.1")
#: Of the device's own check: how long an answer may take, seconds, and how many are enough to trust a tunnel again.
_ANSWER, _ENOUGH = 0.8, 3


@dataclass
class TwoConnections:
    """Connections are told by their place: 0 is the active one."""

    client: Client
    names: Names
    vpc: str
    gateway: str
    connections: list[str]
    site: TwoTunnels
    inside: Machine

    def stream(self) -> Stream:
        """From the machine in the VPC to the site's host and back."""
        return Stream(self.inside.name, self.site.host.name, HOST)

    def instance(self) -> InstanceSpec:
        return instances(self.names)[self.gateway, "master"]

    def status(self, place: int = 0) -> str:
        return str(self.client.call("DescribeVpnConnection", VpnConnectionId=self.connections[place])["Status"])

    def health(self, place: int = 0) -> str:
        told = self.client.call("DescribeVpnConnection", VpnConnectionId=self.connections[place])
        return str(told["VcoHealthCheck"]["Status"])

    def links(self) -> list[str]:
        """The tunnels that lead to the site, the one that is used first."""
        table = run("ip", "-n", self.names.namespace(self.instance().id), "route", "show", "table", "all", NETWORK)
        return [words[words.index("dev") + 1] for words in map(str.split, table.splitlines())]

    def check(self, interval: int, retry: int) -> None:
        """Have both connections' health checked so, which takes traffic off a tunnel that fails; or not, with 0."""
        for connection, address in zip(self.connections, _CHECKED, strict=True):
            config: dict[str, Any] = {"Enable": bool(interval)}
            if interval:
                config |= {"Dip": address, "Sip": INSIDE, "Interval": interval, "Retry": retry}
            self.client.call(
                "ModifyVpnConnectionAttribute", VpnConnectionId=connection, HealthCheckConfig=json.dumps(config)
            )
        self.whole(healthy=bool(interval))

    def whole(self, stream: Stream | None = None, *, healthy: bool = True) -> None:
        """Wait until both tunnels are up and the active one is used."""
        until(lambda: {self.status(place) for place in (0, 1)} == {UP}, "both connections to be up", 60)
        until(lambda: not healthy or {self.health(place) for place in (0, 1)} == {"success"}, "both to be healthy", 60)
        until(lambda: self.links() == ["tun1", "tun2"], "the active connection's to be used", 60)
        if stream is not None:
            stream.goes_on(stream.now())

    def cut(self, *, mended: bool = False) -> None:
        """Have nothing pass to and from the first edge, or everything again."""
        run("bridge", "link", "set", "dev", self.site.outer(0), "state", "forwarding" if mended else "disabled")


class Device:
    """What a customer's device does by a health check of its own, which is like the gateway's: it uses the first tunnel
    while the VPC answers through it, and the second one otherwise. Use it as a context manager.
    """

    def __init__(self, ways: TwoConnections, interval: float, retry: int) -> None:
        """``interval`` is in seconds."""
        self._ways = ways
        self._interval = interval
        self._retry = retry
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        with netns.entered(ways.site.core.name):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.bind((_CHECKED[0], 0))

    def __enter__(self) -> Device:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._socket.close()

    def _watch(self) -> None:
        """As many answers in a row as are enough, or as many that are missing, decide."""
        good, count, due = True, 0, time.monotonic()
        for number in itertools.count(1):
            # what cannot be sent is not answered
            with contextlib.suppress(OSError):
                self._socket.sendto(icmp(8, 0, b"", number), (INSIDE, 0))
            answered = self._answered(number, due + min(_ANSWER, self._interval))
            count = 0 if answered == good else count + 1
            if count == (self._retry if good else _ENOUGH):
                good, count = not good, 0
                self._ways.site.route(0 if good else 1, VPC)
            due += self._interval
            if self._ending.wait(max(0.0, due - time.monotonic())):
                return

    def _answered(self, number: int, deadline: float) -> bool:
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                packet = self._socket.recv(2048)
            except TimeoutError:
                return False
            if packet[20] == 0 and int.from_bytes(packet[24:28], "big") == number:
                return True
        return False


@contextlib.contextmanager
def two_connections(service: Service) -> Iterator[TwoConnections]:
    """On a service of the linux plane; the site is gone at the end, the gateway is not. No health is checked yet."""
    client, names = service.client(region=REGION), Names(service.installation)
    call: Callable[..., dict[str, str]] = client.call
    zone = client.call("DescribeZones")["Zones"]["Zone"][0]["ZoneId"]
    vpc = call("CreateVpc", CidrBlock=VPC)["VpcId"]
    vswitch = call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=INSIDE_NETWORK)["VSwitchId"]
    gateway = call("CreateVpnGateway", VpcId=vpc, VSwitchId=vswitch, Bandwidth=1000)["VpnGatewayId"]
    until(lambda: call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active", "the gateway")
    connections = []
    for place, (edge, key) in enumerate(zip(EDGES, KEYS, strict=True)):
        device = call("CreateCustomerGateway", IpAddress=edge)["CustomerGatewayId"]
        ike = {"Psk": key, "IkeVersion": "ikev2", "IkeAuthAlg": "sha256", "IkePfs": "group14"}
        made = call(
            "CreateVpnConnection",
            VpnGatewayId=gateway,
            CustomerGatewayId=device,
            LocalSubnet="0.0.0.0/0",
            RemoteSubnet="0.0.0.0/0",
            EffectImmediately=True,
            AutoConfigRoute=False,
            IkeConfig=json.dumps(ike),
            IpsecConfig=json.dumps({"IpsecAuthAlg": "sha256", "IpsecPfs": "group14"}),
        )["VpnConnectionId"]
        connections.append(made)
        for network, weight, publish in ((NETWORK, 0 if place else 100, not place), (_of(_CHECKED[place]), 100, True)):
            call(
                "CreateVpnRouteEntry",
                VpnGatewayId=gateway,
                RouteDest=network,
                NextHop=made,
                Weight=weight,
                PublishVpc=publish,
            )
    machines = Machines()
    try:
        inside = machines.plug(names.vswitch(vswitch).name, f"{INSIDE}/24", "10.1.0.253")
        with two_tunnels(machines, [(names.uplink.name, f"{one}/15") for one in EDGES]) as site:
            ways = TwoConnections(client, names, vpc, gateway, connections, site, inside)
            until(lambda: len(ways.instance().tunnels) == 2, "the tunnels on the host")
            for place, (tunnel, key) in enumerate(zip(ways.instance().tunnels, KEYS, strict=True)):
                site.answer(place, tunnel, key)
                site.core.ip("address", "add", f"{_CHECKED[place]}/32", "dev", "lo")
                site.core.ip("rule", "add", "from", _CHECKED[place], "lookup", str(101 + place))
                site.core.ip("route", "add", "default", "dev", site.link(place), "table", str(101 + place))
            site.route(0, VPC)
            ways.whole(healthy=False)
            yield ways
    finally:
        machines.remove()


def _of(address: str) -> str:
    return address.rpartition(".")[0] + ".0/24"
