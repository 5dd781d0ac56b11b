"""`gatewright snippets`: what it prints is run as it stands, with no key but the one it finds."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gatewright.app import certs
from gatewright.cli.snippets import NAMES
from gatewright.client import snippets
from gatewright.client.profile import Profile
from gatewright.client.snippets import SNIPPETS, Target, target
from gatewright.client.snippets.shell import VSWITCHES
from gatewright.errors import ConfigurationError
from gatewright.operations.declaration import GATEWRIGHT
from gatewright.operations.location import SERVICE_CODES
from tests.cli.command import Command
from tests.support.service import Service

NOBODY = {"GATEWRIGHT_ENDPOINT": "", "GATEWRIGHT_ACCESS_KEY_ID": "", "GATEWRIGHT_ACCESS_KEY_SECRET": ""}
PROFILE = Profile("http://127.0.0.1:8080", "id", "hush")
#: Of each kind one: two zones, one zone, one tunnel.
REGIONS = ("cn-hangzhou", "cn-nanjing", "cn-fuzhou")

NODE_MODULES = Path(__file__).parents[1] / "clients/node/node_modules"
#: Stands for the aliyun CLI: what it does with these options, by its sources.
ALIYUN = f"""#!{sys.executable}
import json, os, sys
from gatewright.client import Caller, Profile

assert os.environ["ALIBABA_CLOUD_IGNORE_PROFILE"] == "TRUE"
key, secret = (os.environ["ALIBABA_CLOUD_ACCESS_KEY_" + name] for name in ("ID", "SECRET"))
product, operation, *words = sys.argv[1:]
assert product == "vpc"
scheme = "http" if "--insecure" in words else "https"
words = [word for word in words if word != "--insecure"]
options = dict(zip(words[::2], words[1::2], strict=True))
endpoint, region = options.pop("--endpoint"), options.pop("--region")
with Caller(Profile(scheme + "://" + endpoint, key, secret, region), signature="V1") as caller:
    print(json.dumps(caller.call(operation, {{name[2:]: value for name, value in options.items()}})))
"""


def printed(command: Command, service: Service, *words: str, **environment: str) -> str:
    """What the command prints of the service of a data directory."""
    ran = command.run("snippets", *words, "--data", str(service.data), **NOBODY | environment)
    assert (ran.status, ran.err) == (0, "")
    return ran.out


def told(service: Service, word: str) -> str:
    """The command with this word in it that the service says to type when it has started."""
    found: str
    (found,) = re.findall(rf"^  ((?!#).*\b{word}\b.*)$", service.printed().partition("Next,")[2], re.MULTILINE)
    return found


def shell(command: Command, folder: Path, *lines: str) -> str:
    """What a shell prints that has no key and is in another folder."""
    environment = {name: value for name, value in command.environment.items() if not name.startswith("GATEWRIGHT_")}
    environment["PATH"] = f"{folder}:{Path(sys.executable).parent}:{environment['PATH']}"
    ran = subprocess.run(
        ["sh", "-ec", "\n".join(lines)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_python_makes_a_gateway_and_the_file_is_what_is_printed(
    command: Command, service: Service, tmp_path: Path
) -> None:
    out = shell(command, tmp_path, told(service, "env"), told(service, "python"), told(service, "python3"))
    assert re.fullmatch(r"vpn-\w+ active 240\.\d+\.\d+\.\d+\n", out), out
    assert told(service, "env") in (tmp_path / "try.py").read_text()


def test_over_https_they_are_told_the_authority(command: Command, tmp_path: Path) -> None:
    authority = certs.make(tmp_path / "tls", [], 30).paths.authority
    files = ("--tls-cert", str(authority.with_name("server.crt")), "--tls-key", str(authority.with_name("server.key")))
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with Service(tmp_path / "data", arguments=files, environment=path, authority=authority) as secure:
        assert f"  authority          {authority}\n" in secure.printed()
        out = shell(
            command,
            tmp_path,
            told(secure, "call") + " --query TotalCount",
            told(secure, "env"),
            told(secure, "python"),
            told(secure, "python3"),
        )
    assert re.fullmatch(r"0\nvpn-\w+ active 240\.\d+\.\d+\.\d+\n", out), out
    text = (tmp_path / "try.py").read_text()
    assert 'protocol="HTTPS"' in text
    assert f'ca="{authority}"' in text


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(not NODE_MODULES.is_dir(), reason="tests/clients/node has no node_modules: run `npm ci` there")
def test_node_makes_a_gateway(command: Command, service: Service, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    node = told(service, "aliyun").replace("aliyun", "node")
    out = shell(command, tmp_path, told(service, "env"), f"{node} > try.cjs", "node try.cjs")
    assert re.fullmatch(r"vpn-\w+ active 240\.\d+\.\d+\.\d+\n", out), out


def test_the_shell_makes_a_gateway(command: Command, service: Service, tmp_path: Path) -> None:
    calls = told(service, "aliyun").replace("aliyun", "call")
    gateway = json.loads(shell(command, tmp_path, f"{calls} | sh"))["VpnGatewayId"]
    assert service.client().call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active"


def test_the_first_commands_make_a_gateway_and_list_it(command: Command, service: Service, tmp_path: Path) -> None:
    commands = told(service, "gateways create"), told(service, "call")
    made, listed = shell(command, tmp_path, *(f"{each} --output yaml" for each in commands)).split("VpnGateways:")
    assert "Status: active" in made
    gateway: str = re.search(r"VpnGatewayId: (\S+)", made)[1]  # type: ignore[index]  # else it fails, too
    assert gateway in listed


@pytest.mark.parametrize("real", [False, True], ids=["stand-in", "aliyun"])
def test_the_aliyun_cli_makes_a_vpc(command: Command, service: Service, tmp_path: Path, real: bool) -> None:
    if real and shutil.which("aliyun") is None:
        pytest.skip("the aliyun CLI is not on PATH: only its stand-in has run the snippet")
    if not real:
        (tmp_path / "aliyun").write_text(ALIYUN)
        (tmp_path / "aliyun").chmod(0o755)
    made, _, listed = shell(command, tmp_path, told(service, "env"), f"{told(service, 'aliyun')} | sh").partition("}")
    assert json.loads(made + "}")["VpcId"] in listed


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on PATH")
@pytest.mark.parametrize("region", REGIONS)
def test_terraform_reads_its_file_and_would_write_it_so(region: str, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(SNIPPETS["terraform"](_target(region)))
    ran = subprocess.run(["terraform", "fmt", "-check", "-diff", tmp_path], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


def test_terraform_is_told_every_product_that_it_knows_and_that_is_served(
    command: Command, service: Service, tmp_path: Path
) -> None:
    shell(command, tmp_path, told(service, "terraform"))
    text = (tmp_path / "main.tf").read_text()
    block = text.partition("endpoints {")[2].partition("}")[0]
    # of Gatewright's own product the provider knows nothing, and would refuse the block
    theirs = set(SERVICE_CODES) - {GATEWRIGHT.code.lower()}
    assert dict(re.findall(r'(\w+) += "(.*)"', block)) == dict.fromkeys(theirs, f"127.0.0.1:{service.port}")
    assert text == SNIPPETS["terraform"](_target(service=service))


@pytest.mark.parametrize("region", REGIONS)
def test_a_gateway_can_be_ordered_as_they_say(service: Service, region: str) -> None:
    """Zones and bandwidth of regions of each kind; that the text has them is seen beside it."""
    client = service.client()
    to = _target(region)
    zones, bandwidth = to.zones, to.bandwidth
    vpc = client.call("CreateVpc", RegionId=region, CidrBlock="10.0.0.0/8")["VpcId"]
    switches = [
        client.call("CreateVSwitch", RegionId=region, VpcId=vpc, ZoneId=zone, CidrBlock=f"10.{number}.0.0/24")
        for number, zone in enumerate(zones, 1)
    ]
    names = dict(zip(VSWITCHES, (switch["VSwitchId"] for switch in switches), strict=False))
    client.call("CreateVpnGateway", RegionId=region, VpcId=vpc, Bandwidth=bandwidth, **names)
    for name in ("call", "python", "node", "terraform"):
        text = SNIPPETS[name](_target(region))
        assert [text.count(zone) > 0 for zone in zones] == [True] * len(zones)
        assert ("isaster" in text) == (len(zones) > 1)
        if name == "python":
            ast.parse(text)


def test_all_of_them_have_no_secret_and_the_key_is_not_shown_on_a_terminal(command: Command, service: Service) -> None:
    every = printed(command, service, PATH=f"{Path(sys.executable).parent}:{command.environment['PATH']}")
    for make in SNIPPETS.values():
        assert make(_target(service=service)) in every
    assert [line for line in every.splitlines() if line.startswith("eval")] == [told(service, "env")]
    assert set(NAMES) == {"env", *SNIPPETS}
    assert "secret" not in every.replace("ACCESS_KEY_SECRET", "").replace("access_key_secret", "")
    ours, theirs = pty.openpty()
    ran = subprocess.run(
        [sys.executable, "-m", "gatewright", "snippets", "env"],
        env=command.environment,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(theirs)
    os.close(ours)
    assert ran.returncode == 2
    assert 'eval "$(' in ran.stderr
    assert "secret'" not in ran.stderr


def test_options_that_say_which_service_are_said_again(command: Command, tmp_path: Path) -> None:
    ran = command.run("snippets", "call", "--endpoint", "http://localhost:1", "--region", "cn-beijing", "--ca", "a b")
    assert ran.status == 0
    options = f"--endpoint http://localhost:1 --region cn-beijing --ca '{command.home}/a b'"
    assert ran.out.count(options) == 4
    ran = command.run("snippets", "python", "--region", "mars")
    assert (ran.status, ran.out) == (2, "")
    assert "region is 'mars'" in ran.err


def test_under_tls_each_client_is_told_the_authority() -> None:
    told = target(replace(PROFILE, endpoint="https://vpn.example:8443", ca=Path("/etc/my ca.crt")), "gatewright")
    texts = {name: make(told) for name, make in SNIPPETS.items()}
    assert "--insecure" not in texts["aliyun"]
    assert 'protocol     = "HTTPS"' in texts["terraform"]
    assert 'protocol="HTTPS",\n        ca="/etc/my ca.crt",' in texts["python"]
    assert 'protocol: "https"' in texts["node"]
    assert all('"vpn.example:8443"' in texts[name] for name in ("python", "node", "terraform"))
    text = snippets.env(replace(PROFILE, ca=told.ca), {})
    for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "ALIBABA_CLOUD_CA_BUNDLE"):
        assert f"export {name}='/etc/my ca.crt'\n" in text


def test_a_shell_takes_any_key_and_nothing_else_that_would_lead_elsewhere() -> None:
    odd = "a'b\"$(c)`d`\\ e"
    text = snippets.env(replace(PROFILE, access_key_secret=odd), {"HTTPS_PROXY": "http://proxy", "no_proxy": "x"})
    show = "".join(f'echo "$ALI{name}"; ' for name in ("BABA_CLOUD_ACCESS_KEY_SECRET", "CLOUD_SECURITY_TOKEN"))
    ran = subprocess.run(
        ["sh", "-c", f'eval "$TEXT"; {show} echo "$NO_PROXY"'],
        env={"TEXT": text, "ALICLOUD_SECURITY_TOKEN": "of another key"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == f"{odd}\n\nx,127.0.0.1,127.0.0.1:8080\n"
    assert "PROXY" not in snippets.env(PROFILE, {})
    assert "export ALIBABA_CLOUD_SECURITY_TOKEN=t\n" in snippets.env(replace(PROFILE, security_token="t"), {})


def test_what_is_no_endpoint_is_said() -> None:
    with pytest.raises(ConfigurationError, match="http://HOST:PORT"):
        target(replace(PROFILE, endpoint="127.0.0.1:8080"), "gatewright")


def _target(region: str = "cn-hangzhou", service: Service | None = None) -> Target:
    if service is None:
        return target(replace(PROFILE, region=region), "gatewright")
    profile = replace(PROFILE, endpoint=f"http://127.0.0.1:{service.port}")
    return target(profile, "gatewright", ("--data", str(service.data)))
