"""`gatewright host`: what an installation has on a host, and removing it on a person's word."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import gatewright.app.host
import gatewright.app.hosts  # noqa: F401 - loaded before a child gives up the right to load it
from gatewright import ids
from gatewright.app.host_lock import RUNTIME, AgentRuns, HostLock
from gatewright.cli.main import main
from tests.app.test_reboot import installation_of, until
from tests.app.test_serve import connected, gateway, run, until_status
from tests.support.connections import DAEMONS
from tests.support.linux import clean, unmet
from tests.support.service import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    if unmet():
        pytest.skip(unmet())
    with Service(tmp_path / "data", plane="linux") as started:
        yield started
    # The test may have taken the data directory away.
    if (tmp_path / "data").exists():
        clean(installation_of(started))


def leftovers(installation: str) -> list[str]:
    from gatewright.plane.linux import leftovers as all_of

    return all_of(installation, RUNTIME)


def host(*arguments: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run("host", *arguments, *(("--data", str(data)) if data else ()))


def stray(installation: str) -> Path:
    """Something of the installation that no database knows: what an older database would leave."""
    from tests.plane.linux.lab import Lab, instance, play, vswitch

    async def make(plane: object) -> None:
        from gatewright.plane.linux import LinuxPlane

        assert isinstance(plane, LinuxPlane)
        await plane.apply(vswitch())
        await plane.apply(instance())

    play(Lab(installation, RUNTIME), make)
    return RUNTIME / installation / instance().id


def test_a_host_from_the_first_gateway_to_the_last_trace(service: Service) -> None:
    data = service.data
    made = connected(service)
    installation = installation_of(service)
    seen = json.loads(host("status", "--json", data=data).stdout)
    assert seen["installation"] == installation
    assert seen["agent"]["heard"] is True
    kinds = sorted(item["kind"] for item in seen["items"])
    assert kinds.count("instance") == 2
    assert kinds.count("vswitch") == 2
    assert {item["wish"] for item in seen["items"]} == {"wanted"}
    assert {item["found"] for item in seen["items"] if item["kind"] != "router"} == {"stands"}

    # While it runs: nothing is removed, and there are no orphans.
    refused = host("clean", "--yes", data=data)
    assert refused.returncode == 2
    assert "end its service first" in refused.stderr
    none = host("clean", "--orphans", "--yes", data=data)
    assert (none.returncode, none.stdout.startswith("There are no orphans")) == (0, True)

    # Stopped: told, asked about, and only then removed.
    assert service.stop() == 0
    before = leftovers(installation)
    screen = host("status", data=data).stdout
    assert "no agent runs, so nobody here knows what is wanted" in screen
    assert screen.count("unknown") >= 4
    orphans = host("clean", "--orphans", "--yes", data=data)
    assert orphans.returncode == 2
    assert "no agent runs" in orphans.stderr
    dry = host("clean", "--dry-run", data=data)
    assert dry.returncode == 0
    assert all(line in dry.stdout for line in before)
    unasked = host("clean", data=data)
    assert unasked.returncode == 2
    assert "--yes" in unasked.stderr
    assert answered("n\n", "host", "clean", "--data", str(data)) == 1
    assert leftovers(installation) == before
    assert answered("y\n", "host", "clean", "--data", str(data)) == 0
    assert leftovers(installation) == []
    assert not list(RUNTIME.glob(f"{installation}*"))
    assert "There is nothing" in host("clean", "--yes", data=data).stdout

    # The data directory wants it still.
    service.start()
    until(lambda: len([line for line in leftovers(installation) if line.startswith("process ")]) == DAEMONS)
    until_status(service, made, "active")

    # And one whose data directory is lost is cleaned by its id.
    service.kill()
    shutil.rmtree(data)
    lost = host("clean", "--yes", data=data)
    assert lost.returncode == 2
    assert installation in lost.stderr
    assert host("clean", "--yes", "--installation", installation).returncode == 0
    assert leftovers(installation) == []


def test_orphans_are_shown_and_removed_by_the_running_agent_and_wanted_things_stay(service: Service) -> None:
    data = service.data
    made = gateway(service)
    until_status(service, made, "active")
    installation = installation_of(service)
    assert service.stop() == 0
    before = leftovers(installation)
    stray(installation)
    with_stray = leftovers(installation)
    assert len(with_stray) > len(before)
    service.start()
    until(lambda: "2 orphans" in host("status", data=data).stdout)
    screen = host("status", data=data).stdout
    assert "instance vpn-1" in screen
    assert "host clean --orphans" in screen
    assert sorted(leftovers(installation)) == sorted(with_stray)
    dry = host("clean", "--orphans", "--dry-run", data=data)
    assert "instance vpn-1" in dry.stdout
    assert made not in dry.stdout
    cleaned = host("clean", "--orphans", "--yes", data=data)
    assert cleaned.returncode == 0, cleaned.stderr
    assert "removed instance vpn-1" in cleaned.stdout
    assert sorted(leftovers(installation)) == sorted(before)
    assert service.client().call("DescribeVpnGateway", VpnGatewayId=made)["Status"] == "active"
    assert "0 orphans" in host("status", data=data).stdout


def test_a_copied_data_directory_is_no_second_agent(service: Service, tmp_path: Path) -> None:
    installation = installation_of(service)
    until(lambda: (RUNTIME / f"{installation}.sock").exists())
    copy = tmp_path / "copy"
    shutil.copytree(service.data, copy, ignore=shutil.ignore_patterns("*.sock", "*.lock"))
    ended = run("serve", "--plane", "linux", "--data", str(copy), "--listen", "127.0.0.1:0")
    assert ended.returncode == 2
    assert f"an agent of installation {installation} runs on this host already (process " in ended.stderr


def test_an_agent_waits_for_one_whose_supervisor_was_killed(tmp_path: Path) -> None:
    installation = ids.installation_id()
    before = HostLock(installation, tmp_path)
    ending = threading.Timer(0.2, before.release)
    ending.start()
    after = HostLock(installation, tmp_path, patience=20.0)
    ending.join()
    with pytest.raises(AgentRuns, match="runs on this host already"):
        HostLock(installation, tmp_path, patience=0.1)
    after.release()


@pytest.mark.parametrize("arguments", [("host", "status"), ("host", "clean"), ("hosts", "list")])
def test_who_is_not_root_is_told_in_a_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a folder of root's needs root")
    (tmp_path / "data" / "agent").mkdir(parents=True)
    (tmp_path / "data" / "api").mkdir()
    (tmp_path / "data").chmod(0o700)
    child = os.fork()
    if child == 0:
        # where another user may load the code from is not what is tested: it is loaded already
        sys.stderr = (tmp_path / "told").open("w", buffering=1)
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        try:
            os._exit(main([*arguments, "--data", str(tmp_path / "data")]))
        finally:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    said = (tmp_path / "told").read_text()
    assert os.waitstatus_to_exitcode(status) == 2, said
    assert said.startswith("gatewright: ")
    assert said.count("\n") == 1
    assert "root" in said or "chown" in said


def test_the_lock_outlives_nobody(tmp_path: Path) -> None:
    installation = ids.installation_id()
    code = (
        "import sys, time; from pathlib import Path; from gatewright.app.host_lock import HostLock;"
        f"lock = HostLock({installation!r}, Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(AgentRuns, match=f"process {holder.pid}"):
            HostLock(installation, tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
    lock = HostLock(installation, tmp_path)
    other = HostLock(ids.installation_id(), tmp_path)
    lock.release()
    other.release()
    assert list(tmp_path.iterdir()) == []


def test_only_root_may(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    ended = subprocess.run(
        [*nobody, sys.executable, "-m", "gatewright", "host", "status", "--installation", "aaaaaaaa"],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    if "Permission denied" in ended.stderr or "No module" in ended.stderr:
        pytest.skip("nobody cannot read this checkout")
    assert ended.returncode == 2
    assert "run this as root" in ended.stderr


def test_what_cannot_be_an_installation_is_said() -> None:
    ended = host("status", "--installation", "../../etc")
    assert ended.returncode == 2
    assert "8 characters" in ended.stderr


def answered(answer: str, *arguments: str) -> int:
    """Run a command at a terminal, with somebody who answers. Gives its exit status."""
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "gatewright", *arguments],
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        os.write(master, answer.encode())
        output, _ = process.communicate(timeout=60)
        assert b"[y/N]" in output, output
        return process.returncode
    finally:
        os.close(master)
        os.close(slave)
