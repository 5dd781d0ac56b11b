"""The fixtures for pytest, in runs of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewright.testing.plugin import chosen, started
from tests.support.inner_pytest import run_pytest

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


def test_every_worker_has_its_own_and_every_test_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "test_one.py").write_text(SUITE)
    (tmp_path / "test_other.py").write_text(SUITE + FAILING)
    ran = run_pytest(tmp_path, "-n", "2", "--dist", "loadfile", NOTED=str(tmp_path / "noted"))
    assert "6 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "1 failed" in ran.stdout
    assert "- Captured gatewright call -" in ran.stdout
    assert "CreateVpc 200\nDescribeVpcAttribute 404 InvalidVpcId.NotFound\n" in ran.stdout
    servers = dict(line.split() for line in (tmp_path / "noted").read_text().splitlines())
    assert len(set(servers.values())) == 2
    assert [pid for pid in servers if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("quota_vpcs = many", "GATEWRIGHT_QUOTA_VPCS is 'many': it must be a whole number"),
        ("quota_vpcs", "'quota_vpcs' is not NAME = VALUE"),
        ("plane = linux", "there is no setting 'plane' to choose"),
    ],
)
def test_what_does_not_start_is_a_failure_without_a_traceback(line: str, told: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=told) as failed, started("cn-hangzhou", [line]):
        raise AssertionError
    assert failed.value.pytrace is False


def test_settings_are_a_line_each() -> None:
    assert chosen(["quota_vpcs = 1", "database=sqlite:////x?a=b"]) == {
        "quota_vpcs": "1",
        "database": "sqlite:////x?a=b",
    }


def test_who_does_not_use_it_notices_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n\n"
        "def test_it():\n"
        "    ours = {name for name in sys.modules if name.partition('.')[0] == 'gatewright'}\n"
        "    assert ours == {'gatewright', 'gatewright.testing', 'gatewright.testing.plugin'}\n"
        "    assert not {'sqlalchemy', 'uvicorn', 'msgspec', 'cryptography', 'h11'} & set(sys.modules)\n"
    )
    ran = run_pytest(tmp_path, "-q", "-W", "error")
    assert ran.returncode == 0, ran.stdout
    assert ran.stderr == ""
    assert "gatewright" not in ran.stdout
