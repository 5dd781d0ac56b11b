"""`gatewright peer-config`: a device's configuration from a running service, and where the keys go."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gatewright import peers
from gatewright.cli import main
from gatewright.cli.candidates import candidates
from gatewright.cli.peer_config import VENDORS
from gatewright.peers.model import PLACEHOLDER
from tests.cli.command import Ran
from tests.support.service import Service

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def connection(service: Service) -> str:
    """With two tunnels and BGP, of a gateway whose VPC is 10.0.0.0/16."""
    assert main.main(["gateways", "create", "--name", "edge", *_options(service)]) == 0
    client = service.client()
    gateway = client.call("DescribeVpnGateways")["VpnGateways"]["VpnGateway"][0]["VpnGatewayId"]
    options = [
        {
            "Role": role,
            "CustomerGatewayId": client.call(
                "CreateCustomerGateway", IpAddress=address, Asn="65010", AuthKey="md5-key"
            )["CustomerGatewayId"],
            "TunnelIkeConfig": {"Psk": f"hush-{role}", "IkeVersion": "ikev2", "IkePfs": "group14"},
            "TunnelIpsecConfig": {"IpsecPfs": "group14"},
            "TunnelBgpConfig": {"LocalAsn": 65000, "TunnelCidr": network},
        }
        for role, address, network in (
            ("master", "203.0.113.7", "169.254.10.0/30"),
            ("slave", "203.0.113.8", "169.254.11.0/30"),
        )
    ]
    made: str = client.call(
        "CreateVpnConnection",
        VpnGatewayId=gateway,
        Name="office",
        LocalSubnet="0.0.0.0/0",
        RemoteSubnet="0.0.0.0/0",
        EnableTunnelsBgp="true",
        TunnelOptionsSpecification=json.dumps(options),
    )["VpnConnectionId"]
    return made


def _options(service: Service) -> list[str]:
    return ["--data", str(service.data)]


@pytest.fixture
def run(service: Service, connection: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs it on this connection in this process."""
    monkeypatch.setenv("COLUMNS", "80")

    def ran(*words: str, of: str = connection) -> Ran:
        capsys.readouterr()
        try:
            status = main.main(["peer-config", of, *words, *_options(service)])
        except SystemExit as ended:
            # of argparse
            status = int(str(ended.code))
        return Ran(status, *capsys.readouterr())

    return ran


def test_the_command_knows_the_devices_that_there_are() -> None:
    assert list(peers.VENDORS) == list(VENDORS)
    found = candidates(["peer-config", "--vendor", "s"], main._parser())
    assert [each.word for each in found] == ["strongswan", "strongswan-userspace"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_device_is_told_of_a_real_connection(run: Run, vendor: str) -> None:
    ran = run("--vendor", vendor, "--tunnel", "master", "--local-network", "192.168.0.0/24")
    assert ran.status == 0, ran.err
    assert "IPsec connection vco-" in ran.out
    assert "(office)" in ran.out
    assert "has the tunnels' keys in it" in ran.err
    assert ("hush-master" in ran.out) == (vendor != "frr")
    assert "hush-slave" not in ran.out


def test_both_tunnels_their_bgp_and_the_networks_of_the_vpc_are_told(run: Run) -> None:
    ran = run("--vendor", "cisco-ios", "--number", "3", of="office")
    assert ran.status == 0, ran.err
    assert "interface Tunnel3\n description master\n ip address 169.254.10.2 255.255.255.252\n" in ran.out
    assert "interface Tunnel4\n description slave\n ip address 169.254.11.2 255.255.255.252\n" in ran.out
    assert ran.out.count(" password md5-key\n") == 2
    ran = run("--vendor", "mikrotik", "--tunnel", "slave", "--local-network", "192.168.0.0/24")
    assert "src-address=192.168.0.0/24 dst-address=10.0.0.0/16 proposal=gw2" in ran.out


def test_one_of_several_files_is_printed_alone(run: Run) -> None:
    whole, alone = run("--vendor", "strongswan"), run("--vendor", "strongswan", "--part", "swanctl.conf")
    assert "--part prints one file alone: swanctl.conf, strongswan.conf, updown, bird.conf" in whole.err
    assert alone.out in whole.out
    assert "=====" not in alone.out
    for part, keys in (("swanctl.conf", True), ("strongswan.conf", False), ("updown", False), ("bird.conf", True)):
        told = run("--vendor", "strongswan", "--part", part).err
        assert ("has the tunnels' keys in it" in told) == keys, part
    assert "keys in it" not in run("--vendor", "strongswan", "--without-secrets").err
    missing = run("--vendor", "strongswan", "--part", "ipsec.conf")
    assert missing.status == 2
    assert missing.err == "gatewright: there is no part ipsec.conf: swanctl.conf, strongswan.conf, updown, bird.conf\n"


def test_keys_are_left_out_or_kept_in_a_file_that_only_its_owner_reads(run: Run, tmp_path: Path) -> None:
    ran = run("--vendor", "strongswan", "--without-secrets")
    assert ran.status == 0
    assert "hush" not in ran.out + ran.err
    assert "md5-key" not in ran.out + ran.err
    assert ran.out.count(PLACEHOLDER) == 4
    kept = tmp_path / "keys"
    assert run("--vendor", "strongswan", "--psk-file", str(kept)).out == ran.out
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    words = [line.split(" ")[1:] for line in kept.read_text().splitlines()]
    assert words == [
        ["master", "Psk", "hush-master"],
        ["master", "AuthKey", "md5-key"],
        ["slave", "Psk", "hush-slave"],
        ["slave", "AuthKey", "md5-key"],
    ]
    again = run("--vendor", "strongswan", "--psk-file", str(kept))
    assert (again.status, again.out) == (2, "")
    assert "is there already" in again.err


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--vendor", "strongswan-userspace"), 1, "choose one with --tunnel"),
        (("--vendor", "windows", "--tunnel", "slave", "--local-network", "10.1.0.1/16"), 2, "has host bits set"),
        (("--vendor", "nokia"), 2, "invalid choice"),
        (("--vendor", "vyos", "--number", "0"), 2, "is no number from 1 to 4000"),
        ((), 2, "required: --vendor"),
    ],
)
def test_what_cannot_be_is_said(run: Run, words: tuple[str, ...], status: int, told: str) -> None:
    ran = run(*words)
    assert (ran.status, ran.out) == (status, "")
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_a_connection_that_is_not_there_is_said(run: Run) -> None:
    missing = run("--vendor", "vyos", of="vco-bp1aaaaaaaaaaaaaaaaaa")
    assert missing.status == 1
    assert "InvalidVpnConnectionInstanceId.NotFound" in missing.err
    unnamed = run("--vendor", "vyos", of="warehouse")
    assert unnamed.status == 2
    assert re.search(r"or the name warehouse: `\S*gatewright connections list --data \S+` shows", unnamed.err)
