"""The soak: walks of several clients on a linux plane while chaos kills, and the reckoning afterwards."""

from __future__ import annotations

import functools
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.soak.chaos import Chaos
from tests.soak.host import Host, zombies_of
from tests.soak.model import Gateway, Network, Pair
from tests.soak.walk import PATIENCE, Walk, status_of
from tests.support import remains
from tests.support.cell import sqlite_url
from tests.support.client import Refused
from tests.support.persistent import PersistentClient
from tests.support.service import Service

_WALKERS = 4
_STEPS_A_KILL = 5
_EVERY = 3.0
#: Descriptors that an agent may have more at the end than at the beginning: connections to the other half.
_DESCRIPTORS = 8

QUOTAS = {"GATEWRIGHT_QUOTA_VPN_GATEWAYS": "1000", "GATEWRIGHT_QUOTA_PUBLIC_ADDRESSES": "3000"}


@dataclass(frozen=True)
class Summary:
    """What a soak was."""

    steps: int
    orders: int
    deleted: int
    connections: int
    killed: Counter[str]
    seconds: float

    def __str__(self) -> str:
        kills = ", ".join(f"{count} {what}" for what, count in sorted(self.killed.items()))
        return (
            f"{self.steps} steps, {self.orders} gateways ordered, {self.deleted} deleted on the way, "
            f"{self.connections} IPsec connections made, "
            f"{self.killed.total()} kills ({kills}), {self.seconds:.0f} s"
        )


class Soak:
    """One run on one database. ``service`` runs, and everything in it is the soak's own."""

    def __init__(
        self, service: Service, database: str, seed: int, say: Callable[[str], None], *, until: float | None = None
    ) -> None:
        """``until`` is the moment (time.monotonic) at which steps end, even if not all were taken."""
        self._service = service
        self._database = database
        self._say = say
        self._until = until
        self._host = Host(service.installation, service.data)
        self._chaos = Chaos(service, self._host, seed)
        self._client = PersistentClient(service.port, PATIENCE)
        self._begun = time.monotonic()
        self.walks = [Walk(f"w{number}", seed, PersistentClient(service.port, PATIENCE)) for number in range(_WALKERS)]

    def run(self, steps: int) -> Summary:
        """Raises AssertionError, or whatever a walk failed with: see `where`."""
        try:
            return self._run(steps)
        finally:
            self._client.close()
            for walk in self.walks:
                walk.close()

    def _run(self, steps: int) -> Summary:
        descriptors = self._descriptors()
        self._walk(steps)
        deleted = sum(len(walk.deleted) for walk in self.walks)
        self._say(f"{self._now()} reckoning")
        self._service.kill()
        self._service.start()
        self._everything_stands()
        self._say(f"{self._now()} deleting everything")
        with ThreadPoolExecutor(_WALKERS) as pool:
            for work in [pool.submit(walk.drop_all) for walk in self.walks]:
                work.result()
        self._nothing_is_left(descriptors)
        orders = sum(len(walk.orders) for walk in self.walks)
        taken = sum(walk.steps for walk in self.walks)
        connections = sum(walk.tunnelling.made for walk in self.walks)
        return Summary(taken, orders, deleted, connections, self._chaos.killed, time.monotonic() - self._begun)

    def where(self) -> str:
        """What every walk did last, for a failure."""
        return "\n".join(walk.last for walk in self.walks)

    def _walk(self, steps: int) -> None:
        shares = [steps // _WALKERS + (number < steps % _WALKERS) for number in range(_WALKERS)]
        moments = self._chaos.moments(steps, steps // _STEPS_A_KILL)
        stop = threading.Event()
        with ThreadPoolExecutor(_WALKERS) as pool:
            works = [pool.submit(walk.run, share, stop) for walk, share in zip(self.walks, shares, strict=True)]
            try:
                self._kill_at(moments, works, steps)
            finally:
                stop.set()
            for work in works:
                work.result()

    def _kill_at(self, moments: list[int], works: list[Future[None]], steps: int) -> None:
        told = 0.0
        while not all(work.done() for work in works):
            if any(work.done() and work.exception() is not None for work in works):
                return
            if self._until is not None and time.monotonic() > self._until:
                self._say(f"{self._now()} out of time: no more steps")
                return
            taken = sum(walk.steps for walk in self.walks)
            if time.monotonic() - told > _EVERY:
                told = time.monotonic()
                alive = sum(len(walk.gateways) for walk in self.walks)
                self._say(f"{self._now()} step {taken}/{steps}, {alive} gateways, {self._chaos.killed.total()} kills")
            if moments and taken >= moments[0]:
                moments.pop(0)
                time.sleep(self._chaos.pause())
                self._chaos.kill()
            self._host.observe()
            time.sleep(0.01)

    def _everything_stands(self) -> None:
        """All of it is there as it was acknowledged last, and nothing else."""
        alive = [gateway for walk in self.walks for gateway in walk.gateways]
        deleted = [gateway for walk in self.walks for gateway in walk.deleted]
        wanted = {gateway.id: "active" for gateway in alive} | {gateway.id: "gone" for gateway in deleted}
        self._until_holds(
            lambda: [
                f"{gateway} is {status}, not {wanted[gateway]}"
                for gateway in wanted
                if (status := status_of(self._client, gateway)) != wanted[gateway]
            ],
            "all statuses are as they were acknowledged",
        )
        for gateway in alive:
            told = self._client.call("DescribeVpnGateway", VpnGatewayId=gateway.id)
            self._nothing(gateway.differences(told))
            self._until_holds(functools.partial(on_the_host, self._service, gateway, told), gateway.id)
        assert self._client.call("DescribeVpnGateways")["TotalCount"] == len(alive)
        self._tokens_answer_alike()
        self._networks_stand()
        self._tunnels_are_up()
        assert self._client.call("DescribeVpnGateways")["TotalCount"] == len(alive)
        self._until_holds(lambda: zombies_of(set(self._chaos.halves().values())), "no process waits to be looked after")

    def _tokens_answer_alike(self) -> None:
        for walk in self.walks:
            for gateway in walk.orders:
                try:
                    again = self._client.call("CreateVpnGateway", **gateway.ordered, ClientToken=gateway.token)
                except Refused as refused:
                    raise AssertionError(f"the token of {gateway.id} is answered with {refused}") from refused
                assert (again["VpnGatewayId"], again["OrderId"]) == (gateway.id, gateway.order_id)
            for network in walk.vpcs:
                again = self._client.call(
                    "CreateVpc", CidrBlock="10.0.0.0/8", VpcName=network.name, ClientToken=network.token
                )
                assert again["VpcId"] == network.vpc

    def _networks_stand(self) -> None:
        networks = [network for walk in self.walks for network in walk.networks]
        assert self._client.call("DescribeVpcs")["TotalCount"] == len(networks)
        for network in networks:
            told = self._client.call("DescribeVpcAttribute", VpcId=network.vpc)
            assert told["VpcName"] == network.name
            inside = [*network.vswitches, *network.further]
            # one that was deleted is told as pending until its host has confirmed
            self._until_holds(functools.partial(self._only_vswitches, network, inside), f"vSwitches of {network.vpc}")
            for vswitch in inside:
                described = self._client.call("DescribeVSwitchAttributes", VSwitchId=vswitch)
                assert described["Status"] == "Available"
                assert described["AvailableIpAddressCount"] == 252 - len(
                    network.gateways if vswitch in network.vswitches else ()
                )
                assert described["RouteTable"]["RouteTableId"] == network.table_of(vswitch)
            for table in (network.route_table, *network.tables):
                entries = self._client.call("DescribeRouteEntryList", RouteTableId=table, MaxResult=100)
                custom = {
                    one["DestinationCidrBlock"]: one["NextHops"]["NextHop"][0]["NextHopId"]
                    for one in entries["RouteEntrys"]["RouteEntry"]
                    if one["Type"] == "Custom"
                }
                assert custom == network.destinations(table), table
            self._until_holds(functools.partial(router_on_the_host, self._service, network), network.vpc)

    def _tunnels_are_up(self) -> None:
        pairs = [pair for walk in self.walks for pair in walk.tunnelling.pairs]
        assert self._client.call("DescribeVpnConnections")["TotalCount"] == 2 * len(pairs)
        for pair, end in ((pair, end) for pair in pairs for end in range(2)):
            self._until_holds(functools.partial(self._differences, pair, end), f"connection {pair.connections[end]}")
        for gateway in [gateway for walk in self.walks for gateway in walk.gateways]:
            count = sum(gateway in pair.gateways for pair in pairs)
            self._until_holds(functools.partial(tunnels_on_the_host, self._service, gateway, count), gateway.id)

    def _differences(self, pair: Pair, end: int) -> list[str]:
        told = self._client.call("DescribeVpnConnection", VpnConnectionId=pair.connections[end])
        return pair.differences(end, told)

    def _only_vswitches(self, network: Network, wanted: list[str]) -> list[str]:
        told = self._client.call("DescribeVpcAttribute", VpcId=network.vpc)["VSwitchIds"]["VSwitchId"]
        return [] if sorted(told) == sorted(wanted) else [f"vSwitches are {told}, not {wanted}"]

    def _nothing_is_left(self, descriptors: int) -> None:
        self._until_holds(
            lambda: [
                f"{action} tells {count}"
                for action in (
                    "DescribeVpnConnections",
                    "DescribeCustomerGateways",
                    "DescribeVpnGateways",
                    "DescribeVSwitches",
                    "DescribeVpcs",
                )
                if (count := self._client.call(action)["TotalCount"])
            ],
            "everything is deleted",
        )
        self._until_holds(
            lambda: self._host.leftovers_beside(self._chaos.halves().values()),
            "nothing is left on the host but the service",
        )
        self._until_holds(lambda: zombies_of(set(self._chaos.halves().values())), "no process waits to be looked after")
        after = self._descriptors()
        assert after <= descriptors + _DESCRIPTORS, f"the agent has {after} open files, {descriptors} in the beginning"
        # the agent may not have confirmed all of it yet
        self._until_holds(lambda: remains.rows(self._database), "no row is left in the database")
        status = self._service.stop()
        assert status == 0, f"serve ended with {status} after SIGTERM"
        self._until_holds(self._host.leftovers, "nothing is left of the service itself")

    def _descriptors(self) -> int:
        agent: list[int] = []
        self._until_holds(lambda: [] if agent or self._note_agent(agent) else ["no agent"], "there is an agent")
        return len(list(Path(f"/proc/{agent[0]}/fd").iterdir()))

    def _note_agent(self, found: list[int]) -> bool:
        pid = self._chaos.halves().get("agent")
        if pid is not None:
            found.append(pid)
        return pid is not None

    def _nothing(self, wrong: list[str]) -> None:
        assert not wrong, "\n".join(wrong)

    def _until_holds(self, wrong: Callable[[], list[str]], what: str) -> None:
        """Until nothing is wrong. Raises AssertionError that says what is."""
        deadline = time.monotonic() + PATIENCE
        while found := wrong():
            assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what}:\n" + "\n".join(found[:40])
            time.sleep(0.05)

    def _now(self) -> str:
        return f"{time.monotonic() - self._begun:6.1f} s"


def database_of(service: Service) -> str:
    """The URL of the database that a service has in its data directory: the API can write nowhere else."""
    return sqlite_url(service.data / "api")


def on_the_host(service: Service, gateway: Gateway, told: dict[str, object]) -> list[str]:
    """What is wrong with an active gateway's two instances on the host itself."""
    wrong = []
    addresses = (told["InternetIp"], told["DisasterRecoveryInternetIp"])
    leg = "wan" if gateway.facts["NetworkType"] == "public" else "lan"
    for number, address in enumerate(addresses, 1):
        namespace = f"gw-{service.installation}-{gateway.id}-{number}"
        shown = _run("ip", "-j", "-n", namespace, "address", "show", "dev", leg)
        has = [one["local"] for link in json.loads(shown or "[]") for one in link["addr_info"]]
        if address not in has:
            wrong.append(f"{namespace} has {has} on {leg}, not {address}")
    return wrong


def tunnels_on_the_host(service: Service, gateway: Gateway, count: int) -> list[str]:
    """What is wrong with a gateway's tunnels: in each instance one for each pair, with a link and a charon."""
    wrong = []
    every = [line.split()[0] for line in _run("ip", "netns", "list").splitlines()]
    for number in (1, 2):
        namespace = f"gw-{service.installation}-{gateway.id}-{number}"
        links = json.loads(_run("ip", "-j", "-n", namespace, "link", "show", "up") or "[]")
        found = [link["ifname"] for link in links if link["ifname"].startswith("tun")]
        if len(found) != count:
            wrong.append(f"{namespace} has {found}, not {count} links of tunnels that are up")
        own = [
            name
            for name in every
            if name.startswith(f"gw-{service.installation}-tunnel.") and name.endswith(f".{gateway.id}-{number}")
        ]
        if len(own) != count:
            wrong.append(f"{namespace} has the tunnels {own}, not {count}")
        programs = {namespace: ["bird"] if count else []} | {name: ["charon-systemd"] for name in own}
        for name, wanted in programs.items():
            inside = [_program_of(pid) for pid in _run("ip", "netns", "pids", name).split()]
            if inside != wanted:
                wrong.append(f"{name} has {inside}, not {wanted}")
    return wrong


def router_on_the_host(service: Service, network: Network) -> list[str]:
    """What is wrong with a VPC's router on the host itself: its ports, and the custom entries of what they use."""
    namespace = f"gw-{service.installation}-router.{network.vpc}"
    links = json.loads(_run("ip", "-j", "-n", namespace, "link", "show", "type", "veth") or "[]")
    vswitches = [*network.vswitches, *network.further]
    wrong = []
    if len(links) != len(vswitches):
        wrong.append(f"{namespace} has {len(links)} ports, not {len(vswitches)}")
    wanted = sorted(
        (cidr.replace("0.0.0.0/0", "default"), _private_address(service, hop))
        for table in {network.table_of(vswitch) for vswitch in vswitches}
        for cidr, hop in network.destinations(table).items()
    )
    routes = json.loads(_run("ip", "-j", "-n", namespace, "route", "show", "table", "all") or "[]")
    found = sorted(
        (route["dst"], route["gateway"]) for route in routes if "gateway" in route and route.get("protocol") != "bird"
    )
    if found != wanted:
        wrong.append(f"{namespace} has entries {found}, not {wanted}")
    return wrong


def _private_address(service: Service, gateway: str) -> str:
    """Of a gateway's master instance."""
    namespace = f"gw-{service.installation}-{gateway}-1"
    shown = json.loads(_run("ip", "-j", "-n", namespace, "address", "show", "dev", "lan") or "[]")
    return next((one["local"] for link in shown for one in link["addr_info"] if one["family"] == "inet"), "")


def _program_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except FileNotFoundError:
        return ""


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout
