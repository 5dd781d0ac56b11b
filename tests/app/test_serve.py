"""`gatewright serve` as an operator meets it: starting, stopping, restarting, and being told no."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewright.app.supervisor import next_delay
from tests.support.client import Client, Refused
from tests.support.connections import DAEMONS, connect
from tests.support.linux import clean, unmet
from tests.support.service import Service, halves_of


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is to end by itself."""
    clean_environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
    return subprocess.run(
        [sys.executable, "-m", "gatewright", *arguments],
        env={**clean_environment, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_restart_keeps_everything(data: Path, database_url: str) -> None:
    service = Service(data, database=database_url)
    with service:
        vpc = service.client().call("CreateVpc", VpcName="kept")["VpcId"]
        assert service.stop() == 0
        service.start()
        assert service.client().call("DescribeVpcAttribute", VpcId=vpc)["VpcName"] == "kept"
        assert service.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(data: Path, number: signal.Signals) -> None:
    with Service(data) as service:
        assert service.process is not None
        client = service.client()
        client.call("DescribeRegions")
        service.process.send_signal(number)
        assert service.process.wait(timeout=15) == 0
        assert "Traceback" not in service.printed()
        # a person has pressed Ctrl-C, and is told how it goes on
        assert ("Gatewright has ended" in service.printed()) == (number == signal.SIGINT)
        service.process = None


def test_the_first_key_is_shown_once_and_works(data: Path) -> None:
    service = Service(data)
    for name in ("GATEWRIGHT_ACCOUNT_ID", "GATEWRIGHT_ACCESS_KEY_ID", "GATEWRIGHT_ACCESS_KEY_SECRET"):
        del service.environment[name]
    with service:
        key = re.search(r"access key id\s+(\S+)", service.printed())
        secret = re.search(r"access key secret\s+(\S+)", service.printed())
        assert key is not None
        assert secret is not None
        service.client(key=key[1], secret=secret[1]).call("DescribeRegions")
        service.stop()
        length = len(service.printed())
        service.start()
        assert secret[1] not in service.printed()[length:]
        assert key[1] in service.printed()[length:]
        service.client(key=key[1], secret=secret[1]).call("DescribeRegions")


def test_the_environments_administrator_wins_over_the_stored_one(data: Path) -> None:
    service = Service(data)
    with service:
        service.client().call("CreateVpc")
        service.stop()
        service.environment["GATEWRIGHT_ACCESS_KEY_SECRET"] = "other"
        service.start()
        with pytest.raises(Refused) as refused:
            service.client().call("DescribeVpcs")
        assert refused.value.code == "SignatureDoesNotMatch"
        assert service.client(secret="other").call("DescribeVpcs")["TotalCount"] == 1
        service.stop()
        service.environment["GATEWRIGHT_ACCESS_KEY_ID"] = "second"
        service.start()
        with pytest.raises(Refused) as refused:
            service.client(secret="other").call("DescribeVpcs")
        assert refused.value.code == "InvalidAccessKeyId.NotFound"
        assert service.client(key="second", secret="other").call("DescribeVpcs")["TotalCount"] == 1


def test_no_secret_is_written_anywhere_in_the_clear(data: Path) -> None:
    service = Service(
        data, environment={"GATEWRIGHT_ACCESS_KEY_SECRET": "Plant3dS3cr3t", "GATEWRIGHT_LOG_LEVEL": "DEBUG"}
    )
    with service:
        assert service.process is not None
        client = service.client(secret="Plant3dS3cr3t")
        client.call("CreateVpc")
        with pytest.raises(Refused):
            service.client(secret="wrong").call("DescribeVpcs")
        with pytest.raises(Refused):
            client.call("CreateVpc", CidrBlock="x")
        command = Path(f"/proc/{service.process.pid}/cmdline").read_bytes()
        service.stop()
    written = b"".join(path.read_bytes() for path in [*data.rglob("*"), service.output] if path.is_file())
    assert b"Plant3dS3cr3t" not in written + command


def test_two_services_on_one_data_directory_are_one_too_many(data: Path) -> None:
    with Service(data):
        ended = run("serve", "--data", str(data), "--listen", "127.0.0.1:0")
        assert ended.returncode == 2
        assert "runs already" in ended.stderr


def test_a_port_in_use_is_said(data: Path, tmp_path: Path) -> None:
    with Service(data) as service:
        ended = run("serve", "--data", str(tmp_path / "other"), "--listen", f"127.0.0.1:{service.port}")
        assert ended.returncode == 2
        assert f"cannot listen on 127.0.0.1:{service.port}" in ended.stderr


def test_wrong_settings_end_with_one_line(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "d"))
    for arguments, status, said in (
        (("--listen", "0.0.0.0:0"), 2, "--allow-plaintext"),
        (("--region", "mars"), 2, "region is 'mars'"),
        (("--database", "mysql://x"), 2, "no URL of a database"),
        (("--database", "postgresql://nobody@127.0.0.1:1/x"), 75, "does not answer"),
        (("--database", "postgresql://nobody:pw@127.0.0.1:1/x"), 2, "GATEWRIGHT_DATABASE"),
        (("--config", "/nowhere.toml"), 2, "/nowhere.toml"),
    ):
        ended = run("serve", *data, *arguments)
        assert ended.returncode == status, ended
        assert "pw" not in ended.stderr
        assert said in ended.stderr
        assert ended.stderr.count("\n") == 1, ended.stderr
    ended = run("serve", *data, GATEWRIGHT_ACCESS_KEY_ID="k")
    assert "GATEWRIGHT_ACCESS_KEY_SECRET" in ended.stderr


def test_another_sealing_key_is_refused(data: Path) -> None:
    with Service(data) as service:
        service.stop()
        (data / "api" / "secret.key").unlink()
        del service.environment["GATEWRIGHT_ACCESS_KEY_ID"], service.environment["GATEWRIGHT_ACCESS_KEY_SECRET"]
        ended = run("serve", "--data", str(data), "--listen", "127.0.0.1:0")
        assert ended.returncode == 2
        assert "secret.key" in ended.stderr


def test_the_data_directory_is_its_owners_alone(data: Path) -> None:
    with Service(data):
        assert data.stat().st_mode & 0o077 == 0
        assert (data / "api" / "secret.key").stat().st_mode & 0o077 == 0


@pytest.fixture
def linux(data: Path) -> Iterator[Service]:
    if unmet():
        pytest.skip(unmet())
    with Service(data, plane="linux") as service:
        yield service
        service.stop()
    clean((data / "agent" / "installation").read_text().strip())


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


def until_served(service: Service) -> None:
    deadline = time.monotonic() + 15
    while True:
        client = Client(service.port)
        try:
            client.call("DescribeRegions")
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return
        finally:
            client.close()


def daemons(service: Service) -> set[int]:
    """The processes of the installation's namespaces."""
    from gatewright.plane.linux import leftovers

    installation = (service.data / "agent" / "installation").read_text().strip()
    lines = leftovers(installation, Path("/run/gatewright"))
    return {int(line.split()[1]) for line in lines if line.startswith("process ")}


def gateway(service: Service) -> str:
    client = service.client()
    vpc = client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first, second = (
        client.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=cidr)["VSwitchId"]
        for zone, cidr in (("cn-hangzhou-k", "10.1.0.0/16"), ("cn-hangzhou-j", "10.2.0.0/16"))
    )
    made: str = client.call(
        "CreateVpnGateway", VpcId=vpc, VSwitchId=first, DisasterRecoveryVSwitchId=second, Bandwidth=10
    )["VpnGatewayId"]
    return made


def connected(service: Service) -> str:
    """A gateway with a connection, and so with daemons."""
    made = gateway(service)
    until_status(service, made, "active")
    connect(service.client(), made)
    until_status(service, made, "active")
    assert len(daemons(service)) == DAEMONS
    return made


def until_status(service: Service, gateway_id: str, wanted: str) -> None:
    client = service.client()
    deadline = time.monotonic() + 60
    while (status := client.call("DescribeVpnGateway", VpnGatewayId=gateway_id)["Status"]) != wanted:
        assert time.monotonic() < deadline, status
        time.sleep(0.01)


def test_the_api_is_in_no_session_of_roots_and_daemons_outlive_both_halves(linux: Service) -> None:
    assert linux.process is not None
    halves = halves_of(linux.process.pid)
    assert set(halves) == {"half-api", "half-agent"}
    assert os.getpgid(halves["half-agent"]) == linux.process.pid
    # in root's it could type into root's terminal (TIOCSTI)
    assert os.getsid(halves["half-api"]) == halves["half-api"] != os.getsid(linux.process.pid)
    assert {str(Path(f"/proc/{pid}/fd/0").readlink()) for pid in halves.values()} == {os.devnull}
    made = connected(linux)
    before = daemons(linux)
    assert all(os.getpgid(pid) != linux.process.pid for pid in before)
    assert linux.stop() == 0
    assert daemons(linux) == before
    linux.start()
    assert linux.client().call("DescribeVpnGateway", VpnGatewayId=made)["Status"] == "active"
    linux.kill()
    assert daemons(linux) == before
    linux.start()
    until_status(linux, made, "active")
    # Adopted, not started again.
    assert daemons(linux) == before


def test_a_dead_half_is_started_again(linux: Service) -> None:
    assert linux.process is not None
    made = connected(linux)
    before = daemons(linux)
    for half in ("half-api", "half-agent"):
        killed = halves_of(linux.process.pid)[half]
        os.kill(killed, signal.SIGKILL)
        deadline = time.monotonic() + 15
        while halves_of(linux.process.pid).get(half, killed) == killed:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        until_served(linux)
    changed = linux.client().call("ModifyVpnGatewayAttribute", VpnGatewayId=made, AutoPropagate=True)
    assert changed["AutoPropagate"] is True
    until_status(linux, made, "active")
    assert daemons(linux) == before


def test_who_calls_while_the_api_is_started_again_waits_and_is_answered(linux: Service) -> None:
    assert linux.process is not None
    for _ in range(2):
        before = halves_of(linux.process.pid)["half-api"]
        os.kill(before, signal.SIGKILL)
        # a connection of its own, made while nobody accepts any
        client = Client(linux.port)
        assert client.call("DescribeRegions")["Regions"]
        client.close()
        assert halves_of(linux.process.pid)["half-api"] != before
    assert linux.printed().count("the api ended with status -9 and is started again in") == 2
    # what a person is told at the start is told once
    assert linux.printed().count("Next, ") == 1
    assert linux.printed().count(f"Gatewright's API serves again at http://127.0.0.1:{linux.port}\n") == 2


def test_a_half_that_dies_again_and_again_is_started_ever_more_slowly() -> None:
    delays = [next_delay(0.1, 0.3)]
    while len(delays) < 8:
        delays.append(next_delay(delays[-1], 0.3))
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert next_delay(5.0, 60.0) == 0.2


def test_the_halves_do_not_outlive_a_killed_supervisor(linux: Service) -> None:
    assert linux.process is not None
    halves = halves_of(linux.process.pid)
    os.kill(linux.process.pid, signal.SIGKILL)
    linux.process.wait()
    deadline = time.monotonic() + 15
    while any(
        Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in halves.values()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    linux.process = None
    linux.start()


def test_a_killed_daemon_is_back_and_the_gateway_active_again(linux: Service) -> None:
    made = connected(linux)
    for program in ("charon-systemd", "bird"):
        before = daemons(linux)
        victim = min(pid for pid in before if Path(f"/proc/{pid}/exe").readlink().name == program)
        os.kill(victim, signal.SIGKILL)
        deadline = time.monotonic() + 15
        while len(daemons(linux) - {victim}) < DAEMONS:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        until_status(linux, made, "active")
        assert len(daemons(linux) & before) == DAEMONS - 1


def test_an_agent_has_no_secrets(linux: Service) -> None:
    assert linux.process is not None
    linux.stop()
    url = f"sqlite:///{linux.data / 'api' / 'other.db'}"
    linux.arguments += ["--database", url]
    linux.environment["GATEWRIGHT_DATABASE"] = url
    linux.start()
    agent = Path(f"/proc/{halves_of(linux.process.pid)['half-agent']}")
    seen = (agent / "environ").read_bytes() + (agent / "cmdline").read_bytes()
    assert b"GATEWRIGHT_LISTEN" not in seen
    assert b"--data" in seen
    assert b"GATEWRIGHT_ACCESS_KEY_SECRET" not in seen
    assert b"other.db" not in seen


def test_wrong_settings_of_a_half_end_the_whole_service(tmp_path: Path) -> None:
    ended = run(
        "serve", "--plane", "linux", "--data", str(tmp_path / "d"), "--listen", "127.0.0.1:0", "--region", "mars"
    )
    assert ended.returncode == 2
    assert "region is 'mars'" in ended.stderr
