"""What a person kills, deletes or switches off by hand comes back by itself, and no status says otherwise meanwhile."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gatewright.plane.linux import bird, inspection
from gatewright.plane.linux.bird_client import BirdClient
from gatewright.plane.linux.charon import socket_of
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.survey import take
from gatewright.plane.linux.vici_client import ViciClient
from gatewright.resources.specs import InstanceSpec
from tests.plane.linux.lab import run
from tests.support.connections import DAEMONS, connect
from tests.support.service import Service

RUNTIME = Path("/run/gatewright")
#: How long anything may take to come back, seconds; a charon has 2.
BACK = 5.0


class Host:
    """What a service with one dual-tunnel gateway has on this host."""

    def __init__(self, service: Service) -> None:
        self.service = service
        client = service.client()
        vpc = client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
        self.first, second = (
            client.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=cidr)["VSwitchId"]
            for zone, cidr in (("cn-hangzhou-k", "10.1.0.0/24"), ("cn-hangzhou-j", "10.2.0.0/24"))
        )
        self.gateway = client.call(
            "CreateVpnGateway",
            VpcId=vpc,
            VSwitchId=self.first,
            DisasterRecoveryVSwitchId=second,
            Bandwidth=10,
        )["VpnGatewayId"]
        self.until(lambda: self.status() == "active", 20)
        self.installation = (service.data / "agent" / "installation").read_text().strip()
        self.names = Names(self.installation)
        self.folders = Folders(self.installation, RUNTIME)

    def status(self) -> str:
        return str(self.service.client().call("DescribeVpnGateway", VpnGatewayId=self.gateway)["Status"])

    def until(self, condition: Callable[[], object], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.service.printed()
            time.sleep(0.01)

    @property
    def instances(self) -> list[InstanceSpec]:
        found = (self.folders.of(key).applied() for key in self.folders.found())
        return [spec for spec in found if isinstance(spec, InstanceSpec)]

    def instance_on(self, vswitch: str) -> InstanceSpec:
        return next(spec for spec in self.instances if spec.private.vswitch_id == vswitch)

    def daemons(self) -> set[int]:
        return set(take(self.names, self.folders).processes)

    def connect(self) -> None:
        """Have tunnels, and so daemons."""
        connect(self.service.client(), self.gateway)
        self.until(lambda: self.status() == "active", 20)

    def charon_of(self, spec: InstanceSpec) -> int:
        """Of the instance's only tunnel."""
        (number,) = self.folders.tunnels_of(spec.id)
        with ViciClient(socket_of(self.folders.of_tunnel(spec.id, number)), 5) as client:
            client.version()
            return client.peer

    def bird_of(self, spec: InstanceSpec) -> int:
        with BirdClient(bird.socket_of(self.folders.of(spec.key)), 5) as client:
            return client.peer

    def warned(self, since: int) -> bool:
        """Whether the service has warned of something after so many characters."""
        return '"WARNING"' in self.service.printed()[since:]

    def whole(self) -> bool:
        return len(self.instances) == 2 and all(
            inspection.fault(self.names, self.folders, spec) is None for spec in self.instances
        )


@pytest.fixture
def host(linux: Service) -> Host:
    made = Host(linux)
    made.connect()
    return made


class Statuses:
    """Asks for the gateway's status all the time, in a thread of its own."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._client = host.service.client()
        self._stop = threading.Event()
        self.seen: list[str] = []
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._stop.is_set():
            answer = self._client.call("DescribeVpnGateway", VpnGatewayId=self._host.gateway)
            if self.seen[-1:] != [answer["Status"]]:
                self.seen.append(answer["Status"])

    def __enter__(self) -> Statuses:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def test_everything_comes_back(host: Host) -> None:
    spec = host.instance_on(host.first)
    name = host.names.namespace(spec.id)
    bridge = host.names.vswitch(host.first).name
    victim = host.bird_of(spec)
    assert len(host.daemons()) == DAEMONS

    faults: list[Callable[[], object]] = [
        lambda: os.kill(victim, signal.SIGKILL),
        lambda: run("ip", "netns", "delete", name),
        lambda: run("ip", "link", "delete", host.names.wan(spec.id).name),
        lambda: run("ip", "link", "delete", bridge),
        lambda: run("ip", "link", "delete", host.names.uplink.name),
        lambda: run("ip", "-n", name, "link", "set", "lan", "down"),
        lambda: run("ip", "-n", name, "address", "flush", "dev", "wan"),
    ]
    told: set[str] = set()
    for fault in faults:
        printed = len(host.service.printed())
        with Statuses(host) as statuses:
            host.until(lambda: statuses.seen == ["active"], 5)
            fault()
            # it is seen, it is said, and it is mended
            host.until(functools.partial(host.warned, printed), BACK)
            host.until(host.whole, BACK)
            host.until(lambda: statuses.seen[-1] == "active", BACK)
        told |= set(statuses.seen)
    # some of it is mended before anybody has asked
    assert told == {"active", "updating"}
    host.until(lambda: len(host.daemons()) == DAEMONS, BACK)
    assert victim not in host.daemons()


def test_a_killed_charon_answers_again_within_two_seconds(host: Host) -> None:
    spec = host.instance_on(host.first)
    before = host.charon_of(spec)
    killed = time.monotonic()
    os.kill(before, signal.SIGKILL)
    while True:
        try:
            after = host.charon_of(spec)
        except OSError:
            time.sleep(0.005)
            continue
        break
    assert after != before
    assert time.monotonic() - killed < 2
    host.until(lambda: host.status() == "active", BACK)


def test_what_cannot_be_mended_is_said_until_it_can(host: Host) -> None:
    bridge = host.names.vswitch(host.first).name
    # by one process, so that the service seldom makes it first: then it is taken once more
    both = f"link delete {bridge}\nlink add {bridge} type bridge\n"

    def foreign() -> bool:
        return subprocess.run(["ip", "-batch", "-"], input=both.encode(), timeout=10).returncode == 0

    host.until(foreign, BACK)
    try:
        host.until(lambda: host.status() == "updating", BACK)
        # a look says first that it is somebody else's, the try to mend it then what to do
        host.until(lambda: f"ip link delete {bridge}" in host.service.printed(), BACK)
        assert "is somebody else's" in host.service.printed()
        assert host.status() == "updating"
    finally:
        run("ip", "link", "delete", bridge)
    host.until(lambda: host.status() == "active", 10)
    assert host.whole()
