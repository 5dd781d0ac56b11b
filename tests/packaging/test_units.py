"""The units for systemd. There is none running here: what it would do is checked as far as can be without."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gatewright.cli import units
from gatewright.cli.main import _parser
from gatewright.errors import ConfigurationError
from tests.plane.linux.conftest import linux_host
from tests.support.client import Client
from tests.support.connections import DAEMONS, connect
from tests.support.linux import clean
from tests.support.service import Service

__all__ = ["linux_host"]

LINUX = ("gatewright", "gatewright-agent")
NAMES = (*LINUX, "gatewright-simulated")
#: What gives a service a mount namespace of its own (systemd.exec(5)): gateways' namespaces would be seen by nobody
#: else then, and would go with it.
MOUNT_NAMESPACE = re.compile(
    r"Bind\w+|DynamicUser|\w*Paths|LoadCredential\w*|LogNamespace|Mount\w+|Private\w+|ProcSubset|Protect(?!Hostname)\w+"
    r"|Root\w+|SetCredential\w*|TemporaryFileSystem"
)


def settings(name: str) -> dict[str, str]:
    """The [Service] section; of what stands there several times, all of it."""
    found: dict[str, str] = {}
    for line in units.rendered(name, ["/usr/bin/true"]).partition("[Service]\n")[2].partition("\n[")[0].splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key] = f"{found[key]} {value}" if key in found else value
    return found


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_them_and_finds_them_as_closed_as_they_can_be(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.service").write_text(units.rendered(name, ["/usr/bin/true"]))
    files = [str(tmp_path / f"{name}.service") for name in NAMES]
    analyze = ["systemd-analyze", "--no-pager"]
    verified = subprocess.run([*analyze, "verify", "--man=no", *files], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    # in tenths, 100 is wide open: the linux plane is root, and needs a network and mounts
    for names, threshold in ((LINUX, 70), (("gatewright-simulated",), 15)):
        security = [*analyze, "security", "--offline=yes", f"--threshold={threshold}"]
        for name in names:
            looked = subprocess.run(
                [*security, str(tmp_path / f"{name}.service")], capture_output=True, text=True, check=False
            )
            assert looked.returncode == 0, looked.stdout.splitlines()[-1]


@pytest.mark.parametrize("name", NAMES)
def test_what_they_start_is_a_command_of_ours(name: str) -> None:
    command = settings(name)["ExecStart"].replace("${CONTROL_PLANE}", "https://192.0.2.1:9443")
    program, *words = shlex.split(command.replace("$AGENT_OPTIONS", "--cache"))
    assert program == "/usr/bin/true"
    parsed = _parser().parse_args(words)
    assert parsed.command == ("agent" if name == "gatewright-agent" else "serve")


@pytest.mark.parametrize("name", NAMES)
def test_a_reload_is_a_signal_that_serving_knows(name: str) -> None:
    # an agent has nothing to read again, and would end
    assert ("ExecReload" in settings(name)) == (name != "gatewright-agent")


@pytest.mark.parametrize("name", NAMES)
def test_what_ends_is_started_again_unless_it_is_of_no_use(name: str) -> None:
    there = settings(name)
    assert there["Restart"] == "on-failure"
    assert there["RestartPreventExitStatus"] == "2"
    assert "StartLimitIntervalSec=0\n" in units.rendered(name, ["x"]).partition("[Service]")[0]


@pytest.mark.parametrize("name", LINUX)
def test_gateways_outlive_the_service_and_are_seen_by_the_host(name: str) -> None:
    there = settings(name)
    assert (there["KillMode"], there["OOMPolicy"]) == ("process", "continue")
    assert [key for key in there if MOUNT_NAMESPACE.fullmatch(key)] == []
    assert [key for key in settings("gatewright-simulated") if MOUNT_NAMESPACE.fullmatch(key)] != []


def test_the_command_prints_a_unit_that_starts_itself(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gatewright", "unit", "gatewright"], capture_output=True, text=True, check=False
    )
    assert f"\nExecStart={sys.executable} -m gatewright serve --plane linux" in ran.stdout, ran.stderr
    assert "@gatewright@" not in ran.stdout
    assert '\nExecStart="/opt/my vpn/100%%/gatewright" serve' in units.rendered(
        "gatewright", ["/opt/my vpn/100%/gatewright"]
    )


def test_a_program_that_the_units_user_does_not_see_is_refused(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    with pytest.raises(ConfigurationError, match=r"gatewright is in /.*python3 -m venv /opt/gatewright"):
        units.check_reached(closed / "gatewright")
    with pytest.raises(ConfigurationError, match="is in /home,"):
        units.check_reached(Path("/home/you/.local/bin/gatewright"))
    units.check_reached(Path("/usr/bin/true"))


def until(true: Callable[[], bool], what: Callable[[], str]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


def daemons(installation: str) -> set[int]:
    """Those of an installation, by their namespaces' names."""
    listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout.split()
    names = [name for name in listed if name.startswith(f"gw-{installation}-")]
    found: set[int] = set()
    for name in names:
        pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=True).stdout
        found |= {int(pid) for pid in pids.split()}
    return found


def gateway(client: Client) -> str:
    vpc = client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first, second = (
        client.call("CreateVSwitch", VpcId=vpc, ZoneId=f"cn-hangzhou-{zone}", CidrBlock=cidr)["VSwitchId"]
        for zone, cidr in (("k", "10.1.0.0/16"), ("j", "10.2.0.0/16"))
    )
    wanted = {"VpcId": vpc, "VSwitchId": first, "DisasterRecoveryVSwitchId": second, "Bandwidth": 10}
    return str(client.call("CreateVpnGateway", **wanted)["VpnGatewayId"])


def test_the_linux_plane_needs_no_more_than_the_unit_leaves_it(linux_host: None, tmp_path: Path) -> None:
    """The unit's capabilities, umask and no new privileges; a stop that ends its main process; a start after it."""
    there = settings("gatewright")
    capabilities = re.sub(r"CAP_(\w+)\s*", lambda found: f",+{found[1].lower()}", there["CapabilityBoundingSet"])
    assert there["NoNewPrivileges"] == "yes"
    limited = ["setpriv", f"--bounding-set=-all{capabilities}", "--inh-caps=-all", "--no-new-privs"]
    # systemd's udev makes the device everybody's; where there is none it may be root's alone
    device = "mount -t tmpfs tmpfs /dev/net && mknod -m 0666 /dev/net/tun c 10 200"
    begin = ("unshare", "--mount", "--propagation", "unchanged", "sh", "-c")
    program = (*begin, f'{device} && umask {there["UMask"]} && exec "$@"', "sh", *limited, sys.executable)
    program = (*program, "-m", "gatewright")
    service = Service(tmp_path / "data", plane="linux", program=program)
    try:
        with service:
            client = service.client()
            made = gateway(client)

            def status() -> str:
                return str(client.call("DescribeVpnGateway", VpnGatewayId=made)["Status"])

            until(lambda: status() == "active", service.printed)
            connection = connect(client, made)
            until(lambda: status() == "active", service.printed)
            before = daemons(service.installation)
            assert len(before) == DAEMONS
            service.stop()
            assert daemons(service.installation) == before
            service.start()
            client = service.client()
            until(lambda: status() == "active", service.printed)
            assert daemons(service.installation) == before
            client.call("DeleteVpnConnection", VpnConnectionId=connection)
            until(lambda: client.call("DescribeVpnConnections")["TotalCount"] == 0, service.printed)
            client.call("DeleteVpnGateway", VpnGatewayId=made)
            until(lambda: client.call("DescribeVpnGateways")["TotalCount"] == 0, service.printed)
            assert "Traceback" not in service.printed()
    finally:
        if service.started:
            clean(service.installation)
