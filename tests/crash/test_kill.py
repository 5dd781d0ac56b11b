"""kill -9 of everything that serves, again and again, while gateways are ordered and deleted.

What was acknowledged is there and becomes active, what was deleted is gone, every token answers as it did, and nothing
is left over on the host.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.soak.host import Host
from tests.support.client import Client, Refused
from tests.support.linux import clean, unmet
from tests.support.persistent import PersistentClient
from tests.support.service import Service

GATEWAYS = 50
KILLS = 4
#: How long each part of it may take on a loaded machine, where a start alone takes many seconds.
PATIENCE = 120.0


@dataclass
class Story:
    """What happened to one gateway, as its client knows it."""

    token: str
    deleted: bool
    id: str | None = None
    order: int | None = None
    done: bool = False


@pytest.fixture(params=["simulated", "linux"])
def service(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[Service]:
    plane: str = request.param
    if plane == "linux" and unmet():
        pytest.skip(unmet())
    data = tmp_path / "data"
    with Service(
        data,
        plane=plane,
        # the linux plane's API may write its own folder only
        database=None if plane == "linux" and database_url.startswith("sqlite") else database_url,
        environment={"GATEWRIGHT_QUOTA_VPN_GATEWAYS": "1000", "GATEWRIGHT_QUOTA_PUBLIC_ADDRESSES": "3000"},
    ) as started:
        yield started
    if plane == "linux":
        clean(started.installation)


def live(client: PersistentClient, story: Story, network: tuple[str, str, str]) -> None:
    """Order a gateway, and delete it if that is its story, until both are acknowledged."""
    vpc, first, second = network
    answer = client.call(
        "CreateVpnGateway",
        VpcId=vpc,
        VSwitchId=first,
        DisasterRecoveryVSwitchId=second,
        Bandwidth=10,
        ClientToken=story.token,
    )
    story.id, story.order = answer["VpnGatewayId"], answer["OrderId"]
    if story.deleted:
        client.delete("DeleteVpnGateway", "InvalidVpnGatewayInstanceId.NotFound", VpnGatewayId=story.id)
    story.done = True


def status_of(client: Client, gateway: str | None) -> str:
    try:
        return str(client.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"])
    except Refused as refused:
        assert refused.status == 404
        return "gone"


def test_nothing_acknowledged_is_lost_and_nothing_leaks(service: Service) -> None:
    chance = random.Random(7)
    client = service.client()
    vpc = client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first, second = (
        client.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=cidr)["VSwitchId"]
        for zone, cidr in (("cn-hangzhou-k", "10.1.0.0/16"), ("cn-hangzhou-j", "10.2.0.0/16"))
    )
    network = (vpc, first, second)
    stories = [Story(f"token-{number}", chance.random() < 0.6) for number in range(GATEWAYS)]
    deadline = time.monotonic() + PATIENCE

    def worker(mine: list[Story]) -> None:
        own = PersistentClient(service.port, PATIENCE)
        for story in mine:
            live(own, story, network)
        own.close()

    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(worker, stories[start::4]) for start in range(4)]
        # The kills fall into the work, whatever the machine's speed: each waits for some more gateways to be known.
        for enough in sorted(chance.sample(range(2, GATEWAYS - 5), KILLS)):
            while sum(story.id is not None for story in stories) < enough and time.monotonic() < deadline:
                time.sleep(0.0005)
            service.kill()
            service.start()
        for work in workers:
            work.result()
    assert all(story.done for story in stories)
    service.kill()
    service.start()
    deadline = time.monotonic() + PATIENCE
    client = service.client()
    wanted = {story.id: "gone" if story.deleted else "active" for story in stories}
    seen: dict[str | None, str] = {}
    while time.monotonic() < deadline:
        seen = {gateway: status_of(client, gateway) for gateway in wanted}
        if seen == wanted:
            break
        time.sleep(0.02)
    assert seen == wanted
    assert len(wanted) == GATEWAYS
    left = sum(not story.deleted for story in stories)
    assert client.call("DescribeVpnGateways", PageSize=50)["TotalCount"] == left
    for story in stories:
        again = client.call(
            "CreateVpnGateway",
            VpcId=vpc,
            VSwitchId=first,
            DisasterRecoveryVSwitchId=second,
            Bandwidth=10,
            ClientToken=story.token,
        )
        assert (again["VpnGatewayId"], again["OrderId"]) == (story.id, story.order)
    assert client.call("DescribeVpnGateways")["TotalCount"] == left
    for vswitch in (first, second):
        described = client.call("DescribeVSwitchAttributes", VSwitchId=vswitch)
        assert described["AvailableIpAddressCount"] == 65532 - left
    deadline = time.monotonic() + PATIENCE
    for story in stories:
        if not story.deleted:
            client.call("DeleteVpnGateway", VpnGatewayId=story.id)
    while time.monotonic() < deadline and client.call("DescribeVpnGateways")["TotalCount"]:
        time.sleep(0.02)
    assert client.call("DescribeVpnGateways")["TotalCount"] == 0
    for vswitch in (first, second):
        client.call("DeleteVSwitch", VSwitchId=vswitch)
    client.call("DeleteVpc", VpcId=vpc)
    if "linux" in service.arguments:
        assert_nothing_left(service, time.monotonic() + PATIENCE)


def assert_nothing_left(service: Service, deadline: float) -> None:
    left = leftovers(service)
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = leftovers(service)
    assert left == []


def leftovers(service: Service) -> list[str]:
    """What there is of the installation on the host besides the service itself."""
    supervisor = service.process
    assert supervisor is not None
    halves = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children").read_text().split()
    return Host(service.installation, service.data).leftovers_beside([supervisor.pid, *map(int, halves)])
