"""Something that a host or an installation has only so much of, or not at all: told, and used when it is there."""

from __future__ import annotations

import gc
import itertools
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane
from tests.plane.linux.conftest import lab, linux_host, new_lab
from tests.plane.linux.lab import Lab, play, vswitch
from tests.plane.linux.sites import carrying
from tests.support.client import Refused
from tests.support.linux import clean, unmet
from tests.support.service import Service

__all__ = ["lab", "linux_host", "new_lab"]


@pytest.mark.parametrize("capability", ["net_admin", "sys_admin"])
def test_an_agent_without_a_capability_says_so_and_ends(linux_host: None, tmp_path: Path, capability: str) -> None:
    serve = [sys.executable, "-m", "gatewright", "serve", "--plane", "linux", "--data", str(tmp_path / "data")]
    done = subprocess.run(
        ["setpriv", f"--bounding-set=-{capability}", *serve, "--listen", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "the linux plane cannot run here: " in done.stderr
    assert "the linux plane needs root with CAP_NET_ADMIN and CAP_SYS_ADMIN" in done.stderr
    assert " The simulated plane runs anywhere: --plane simulated, or make run PLANE=simulated.\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_daemon_that_is_missing_is_named_and_used_when_it_is_back(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        program = lab.runtime / "charon-systemd"
        await plane.apply(vswitch())
        monkeypatch.setattr("gatewright.plane.linux.charon.EXECUTABLE", str(program))
        with pytest.raises(PlaneError, match="charon-systemd is not installed: apt-get install charon-systemd"):
            await plane.apply(carrying())
        shutil.copy("/usr/sbin/charon-systemd", program)
        program.chmod(0o600)
        with pytest.raises(PlaneError, match=f"{program} cannot be executed: chmod 755 {program}"):
            await plane.apply(carrying())
        program.unlink()
        monkeypatch.undo()
        await plane.apply(carrying())
        assert lab.charon(carrying())

    play(lab, scenario)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # what failed half made is collected
def test_a_plane_without_descriptors_says_so_and_goes_on_with_them(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        gc.collect()
        before, (soft, hard) = descriptors(), resource.getrlimit(resource.RLIMIT_NOFILE)
        told = []
        # at whichever step they run out
        for free in range(0, 12, 3):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit_that_leaves(free), hard))
            try:
                await plane.apply(carrying())
            except PlaneError as error:
                told.append(str(error))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            gc.collect()
        assert told, "an instance was built without a free descriptor"
        assert all("raise the limit of open files (ulimit -n)" in each for each in told), told
        await plane.apply(carrying())
        assert lab.charon(carrying())
        await plane.remove(carrying().key)
        assert descriptors() <= before + 3  # threads of the pool may have got theirs

    play(lab, scenario)


def descriptors() -> int:
    return len(open_descriptors())


def open_descriptors() -> set[int]:
    numbers = {int(each.name) for each in Path("/proc/self/fd").iterdir()}
    return {each for each in numbers if Path(f"/proc/self/fd/{each}").exists()}  # not that of the listing itself


def limit_that_leaves(free: int) -> int:
    """RLIMIT_NOFILE bounds the numbers, not their count: gaps between those in use are free too."""
    taken = open_descriptors()
    numbers = (each for each in itertools.count() if each not in taken)
    return next(itertools.islice(numbers, free, None))


def test_an_api_without_descriptors_serves_whom_it_has_and_others_when_it_can(tmp_path: Path) -> None:
    with Service(tmp_path / "data") as service:
        assert service.process is not None
        pid = service.process.pid
        known = service.client()
        known.call("CreateVpc", CidrBlock="10.0.0.0/8")
        open_now = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_now, hard))
        waiting = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(20)]
        spent = cpu(pid)
        for _ in range(20):
            known.call("CreateVpc", CidrBlock="10.0.0.0/8")
            time.sleep(0.05)  # what is measured is that it does not turn in circles meanwhile
        assert cpu(pid) - spent < 0.5
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        for each in waiting:
            each.close()
        assert service.client().call("DescribeVpcs")["TotalCount"] == 21
        assert service.process.poll() is None


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.fixture
def small_pool(tmp_path: Path) -> Iterator[Service]:
    """A service on the linux plane whose public pool is a /29."""
    if unmet():
        pytest.skip(unmet())
    service = Service(tmp_path / "data", plane="linux", arguments=("--public-pool", "198.51.100.0/29"))
    with service:
        yield service
    clean(next(service.data.rglob("installation")).read_text().strip())


def test_without_public_addresses_orders_are_refused_until_one_is_given_back(small_pool: Service) -> None:
    client = small_pool.client()
    vpc = client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first, second = (
        client.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=cidr)["VSwitchId"]
        for zone, cidr in (("cn-hangzhou-k", "10.1.0.0/24"), ("cn-hangzhou-j", "10.2.0.0/24"))
    )

    def order() -> str:
        wanted = {"VpcId": vpc, "VSwitchId": first, "DisasterRecoveryVSwitchId": second}
        return str(client.call("CreateVpnGateway", Bandwidth="10", **wanted)["VpnGatewayId"])

    made: list[str] = []
    code = ""
    while not code and len(made) < 8:
        try:
            made.append(order())
        except Refused as refused:
            code = refused.code
    assert code == "InventoryNotEnough"
    assert made
    deadline = time.monotonic() + 60
    while {status(client, each) for each in made} != {"active"}:
        assert time.monotonic() < deadline, small_pool.printed()
        time.sleep(0.02)
    client.call("DeleteVpnGateway", VpnGatewayId=made[0])
    while status(client, made[0]) != "gone":
        assert time.monotonic() < deadline, small_pool.printed()
        time.sleep(0.02)
    again = order()
    while status(client, again) != "active":
        assert time.monotonic() < deadline, small_pool.printed()
        time.sleep(0.02)


def status(client: object, gateway: str) -> str:
    try:
        return str(client.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"])  # type: ignore[attr-defined]  # a Client
    except Refused as refused:
        assert refused.status == 404
        return "gone"
