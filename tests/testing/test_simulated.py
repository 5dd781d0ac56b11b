"""A simulated service for other people's tests: it is called, steered, and gone afterwards."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatewright import testing
from gatewright.testing import Control

GATEWAY = {"Bandwidth": "10", "VpnType": "Normal"}


@pytest.fixture
def call(gw: testing.Server) -> Iterator[Callable[..., dict[str, Any]]]:
    with gw.caller() as caller:
        yield lambda operation, **parameters: caller.call(operation, parameters)


def order(call: Callable[..., dict[str, Any]]) -> dict[str, str]:
    """What a gateway is ordered with, made anew."""
    vpc = call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first, second = (
        call("CreateVSwitch", VpcId=vpc, ZoneId=f"cn-hangzhou-{zone}", CidrBlock=cidr)["VSwitchId"]
        for zone, cidr in (("k", "10.1.0.0/16"), ("j", "10.2.0.0/16"))
    )
    return {**GATEWAY, "VpcId": vpc, "VSwitchId": first, "DisasterRecoveryVSwitchId": second}


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether a process is there that has not ended; one that waits to be asked how has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_it_is_what_was_asked_for(gw: testing.Server, call: Callable[..., dict[str, Any]]) -> None:
    for _ in range(3):
        call("CreateVpc")
    with pytest.raises(testing.Refused) as refused:
        call("CreateVpc")
    assert refused.value.code == "QuotaExceeded.Vpc"
    assert gw.access_key_secret not in repr(gw)
    assert gw.endpoint == f"http://{gw.address}"
    assert f"endpoint           {gw.endpoint}" in gw.output


def test_time_and_delays(gw: testing.Server, call: Callable[..., dict[str, Any]]) -> None:
    gw.control.delays.set(provisioning=300, deleting=60)
    assert gw.control.delays.get() == {
        "provisioning": 300,
        "updating": 0,
        "deleting": 60,
        "vpc": 0,
        "vswitch": 0,
        "tunnel": 0,
    }
    gateway = call("CreateVpnGateway", **order(call))["VpnGatewayId"]
    gw.control.clock.advance(299)
    assert call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "provisioning"
    gw.control.clock.advance(timedelta(seconds=1))
    assert call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active"
    then = datetime(2040, 6, 1, tzinfo=UTC)
    gw.control.clock.set(then)
    assert timedelta() <= gw.control.clock.now() - then < timedelta(minutes=1)
    with pytest.raises(ValueError, match="no time zone"):
        gw.control.clock.set(datetime(2040, 6, 1))
    gw.control.clock.set(None)
    assert abs(gw.control.clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_faults_capacity_and_instances(gw: testing.Server, call: Callable[..., dict[str, Any]]) -> None:
    wanted = order(call)
    full = gw.control.faults.add("CreateVpnGateway", code="InventoryNotEnough", calls=[1])
    with pytest.raises(testing.Refused, match="InventoryNotEnough"):
        call("CreateVpnGateway", **wanted)
    assert [(each.id, each.seen, each.hits) for each in gw.control.faults.all()] == [(full.id, 1, 1)]
    gw.control.faults.end(full)
    gw.control.capacity.set("cn-hangzhou-k", 0)
    with pytest.raises(testing.Refused, match="InventoryNotEnough"):
        call("CreateVpnGateway", **wanted)
    gw.control.capacity.set("cn-hangzhou-k", None)
    gateway = call("CreateVpnGateway", **wanted)["VpnGatewayId"]
    assert {each.state for each in gw.control.instances.all()} == {"up"}
    first = gw.control.instances.all()[0]
    assert gw.control.instances.kill(first.id).state == "killed"
    assert call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "updating"
    assert gw.control.instances.recover(first.id).state == "up"
    assert gw.control.instances.carry(first.id, received=8000, sent=80_000).state == "up"
    with pytest.raises(testing.ControlRefused, match="sent"):
        gw.control.instances.carry(first.id, sent=-1)
    gw.control.faults.add("*", drop=True)
    gw.control.faults.clear()
    assert gw.control.faults.all() == []


def test_calls_snapshots_and_beginning_anew(gw: testing.Server, call: Callable[..., dict[str, Any]]) -> None:
    call("CreateVpc", VpcName="kept")
    kept = gw.control.snapshot()
    call("CreateVpc", VpcName="not kept")
    with pytest.raises(testing.Refused):
        call("DescribeVpcAttribute", VpcId="vpc-of-nobody")
    made = gw.control.calls.all("CreateVpc")
    assert [(each.parameters["VpcName"], each.status, each.code) for each in made] == [
        ("kept", 200, None),
        ("not kept", 200, None),
    ]
    assert gw.control.calls.all()[-1].code == "InvalidVpcId.NotFound"
    gw.control.calls.clear()
    assert gw.control.calls.all() == []
    gw.control.restore(kept)
    assert [each["VpcName"] for each in call("DescribeVpcs")["Vpcs"]["Vpc"]] == ["kept"]
    gw.control.reset()
    assert call("DescribeVpcs")["TotalCount"] == 0


def test_what_cannot_be_steered_is_said(gw: testing.Server) -> None:
    with pytest.raises(testing.ControlRefused, match="advance must be a number of seconds") as refused:
        gw.control.clock.advance(-1)
    assert (refused.value.status, refused.value.parameter) == (400, "advance")
    with pytest.raises(testing.ControlRefused, match="there is no instance"):
        gw.control.instances.kill("vpn-nobody-1")


def test_another_program_finds_it_by_its_environment(gw: testing.Server, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gatewright", "call", "CreateVpc", "--output", "json"],
        env={**os.environ, **gw.environment(), "HOME": str(tmp_path)},
        cwd=Path(testing.__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(ran.stdout)["VpcId"].startswith("vpc-"), ran.stderr
    assert [each.status for each in gw.control.calls.all("CreateVpc")] == [200]


def test_proxies_are_kept_from_it_and_others_left(gw: testing.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert gw.environment()["NO_PROXY"] == f"example.com,127.0.0.1,{gw.address},localhost"


def test_a_wrong_setting_starts_nothing() -> None:
    with (
        pytest.raises(ValueError, match=r"no setting 'quota_vpc' to choose; there are .*quota_vpcs"),
        testing.server(settings={"quota_vpc": 1}),
    ):
        raise AssertionError
    with pytest.raises(ValueError, match="'plane'"), testing.server(settings={"plane": "linux"}):
        raise AssertionError


def test_what_does_not_start_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with (
        pytest.raises(testing.NotStarted, match="status 2:\nquota_vpcs is -1: it cannot be negative"),
        testing.server(settings={"quota_vpcs": -1}),
    ):
        raise AssertionError
    assert list(tmp_path.iterdir()) == []


STARTER = """
import sys
from gatewright import testing
from gatewright.testing import Control

def wait(server):
    print(server.pid, flush=True)
    sys.stdin.read()

with testing.server() as server:
    wait(server)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_it_goes_with_whoever_started_it(number: signal.Signals, tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    with starter:
        pid = int(starter.stdout.readline())
        assert runs(pid)
        assert len(list(tmp_path.iterdir())) == 1
        starter.send_signal(number)
        starter.wait(timeout=30)
        until(lambda: not runs(pid), "the service runs on")
        until(lambda: not list(tmp_path.iterdir()), "its folder is left")


def test_a_service_that_has_died_is_told_from_one_that_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        control = Control(f"http://127.0.0.1:{closed.getsockname()[1]}", lambda: "its last words")
    with pytest.raises(
        testing.ServerGone, match=r"GET http://127.0.0.1:\d+/v1/clock is not answered .*\nits last words"
    ):
        control.clock.now()
