"""The fixtures for pytest, in runs of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# An installed gatewright has an entry point, which would load the same module by another name.
PLUGIN = ("-p", "no:gatewright", "-p", "gatewright.testing.plugin")

SUITE = """
import os
import pytest
from gatewright.testing import Refused, Server

@pytest.mark.parametrize("time", ["first", "second"])
def test_nothing_is_left_of_the_test_before(gatewright: Server, time: str) -> None:
    with open(os.environ["NOTED"], "a") as noted:
        noted.write(f"{gatewright.pid} {gatewright.endpoint}\\n")
    with gatewright.caller() as caller:
        assert caller.call("DescribeVpcs")["TotalCount"] == 0
        assert caller.call("CreateVpc")["VpcId"]
        with pytest.raises(Refused, match="QuotaExceeded.Vpc"):
            caller.call("CreateVpc")

def test_it_is_the_same_for_the_session(gatewright_server: Server) -> None:
    assert gatewright_server.endpoint in open(os.environ["NOTED"]).read()
    assert gatewright_server.region == "cn-beijing"
"""
FAILING = """
def test_that_fails(gatewright):
    with gatewright.caller() as caller:
        caller.call("CreateVpc")
        caller.call("DescribeVpcAttribute", {"VpcId": "vpc-nobody"})
"""
INI = """
[pytest]
gatewright_region = cn-beijing
gatewright_settings =
    quota_vpcs = 1
    throttling = off
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGIN, "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**kept, "NOTED": str(folder / "noted")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_worker_has_its_own_and_every_test_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "test_one.py").write_text(SUITE)
    (tmp_path / "test_other.py").write_text(SUITE + FAILING)
    ran = run(tmp_path, "-n", "2", "--dist", "loadfile")
    assert "6 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "1 failed" in ran.stdout
    assert "- Captured gatewright call -" in ran.stdout
    assert "CreateVpc 200\nDescribeVpcAttribute 404 InvalidVpcId.NotFound\n" in ran.stdout
    servers = dict(line.split() for line in (tmp_path / "noted").read_text().splitlines())
    assert len(set(servers.values())) == 2
    assert [pid for pid in servers if Path(f"/proc/{pid}").exists()] == []


def test_what_does_not_start_is_a_failure_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(gatewright):\n    assert gatewright\n")
    ran = run(tmp_path, "-o", "gatewright_settings=quota_vpcs = many")
    assert ran.returncode == 1
    assert "GATEWRIGHT_QUOTA_VPCS is 'many': it must be a whole number" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


def test_who_does_not_use_it_notices_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n\n"
        "def test_it():\n"
        "    ours = {name for name in sys.modules if name.partition('.')[0] == 'gatewright'}\n"
        "    assert ours == {'gatewright', 'gatewright.testing', 'gatewright.testing.plugin'}\n"
        "    assert not {'sqlalchemy', 'uvicorn', 'msgspec', 'cryptography', 'h11'} & set(sys.modules)\n"
    )
    ran = run(tmp_path, "-q", "-W", "error")
    assert ran.returncode == 0, ran.stdout
    assert ran.stderr == ""
    assert "gatewright" not in ran.stdout
