"""Debian packages are installed without starting their services: while apt-get runs, policy-rc.d says no.

In a mount namespace of its own, where /usr/sbin is an empty folder and apt-get the test's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from gatewright.plane.linux.doctor import install_command

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages, and can pretend to")

#: Notes the policy that it finds, and what a package's scripts would be told by it.
_APT_GET = """#!/bin/sh
echo "$@" >>{log}
case "$*" in *install*)
    cat /usr/sbin/policy-rc.d >>{log}
    /usr/sbin/policy-rc.d charon start; echo "policy says $?" >>{log}
    {then}
esac
"""


class Machine:
    """A machine on which nothing is installed."""

    def __init__(self, folder: Path, then: str) -> None:
        self.sbin, self.etc, self.log = folder / "sbin", folder / "etc", folder / "log"
        self._bin = folder / "bin"
        for each in (self.sbin, self.etc, self._bin):
            each.mkdir()
        self.log.touch()
        stub = self._bin / "apt-get"
        stub.write_text(_APT_GET.format(log=self.log, then=then))
        stub.chmod(0o755)
        off = self.sbin / "update-rc.d"
        off.write_text(f'#!/bin/sh\necho "update-rc.d $@" >>{self.log}\n')
        off.chmod(0o755)
        self.policy = self.sbin / "policy-rc.d"

    def start(self, script: str) -> subprocess.Popen[str]:
        mounts = f"mount --bind {self.sbin} /usr/sbin && mount --bind {self.etc} /etc/postgresql-common"
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", f"mkdir -p /etc/postgresql-common && {mounts} && {script}"],
            env={"PATH": f"{self._bin}:/usr/sbin:/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, script: str) -> int:
        process = self.start(script)
        output, _ = process.communicate(timeout=30)
        assert "mount" not in output, output
        return process.returncode


SCRIPTS = {
    "from a clone": f"exec sh {ROOT}/scripts/system-packages.sh",
    "as doctor says": install_command(["bird2", "charon-systemd"]),
}
script = pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())


@script
def test_no_service_is_started_and_the_policy_is_gone_afterwards(script: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, "exit 0")
    assert machine.run(script) == 0
    log = machine.log.read_text()
    assert "--no-install-recommends" in log
    assert "charon-systemd" in log
    assert "policy says 101" in log
    assert not machine.policy.exists()
    # Debian has its own start with the machine
    assert log.endswith("update-rc.d bird disable\n")


@script
def test_the_policy_is_gone_after_a_failure_too(script: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, "exit 100")
    assert machine.run(script) != 0
    assert "policy says 101" in machine.log.read_text()
    assert not machine.policy.exists()


@script
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_policy_is_gone_after_an_interruption_too(script: str, number: signal.Signals, tmp_path: Path) -> None:
    machine = Machine(tmp_path, f"echo waiting >>{tmp_path / 'log'}; exec sleep 30")
    process = machine.start(script)
    deadline = time.monotonic() + 20
    while "waiting" not in machine.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # as a terminal's Ctrl-C does: everybody in the group
    os.killpg(process.pid, number)
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert not machine.policy.exists()


@script
@pytest.mark.parametrize("then", ["exit 0", "exit 100"])
def test_a_policy_that_is_there_is_left_alone(script: str, then: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, then)
    machine.policy.write_text("#!/bin/sh\n# the operator's own\nexit 104\n")
    machine.policy.chmod(0o750)
    before = machine.policy.stat()
    machine.run(script)
    assert "the operator's own" in machine.log.read_text()
    assert "policy says 104" in machine.log.read_text()
    after = machine.policy.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_ino) == (before.st_mode, before.st_mtime_ns, before.st_ino)
