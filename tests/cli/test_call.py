"""`gatewright call` against a real service: what is printed, refused, waited for, and with which exit status."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gatewright.cli import call, catalogue
from gatewright.operations import registry
from gatewright.operations.declaration import OneOf
from tests.cli.command import Command
from tests.support.service import Service


def _vpc(command: Command, *words: str) -> str:
    ran = command.run("call", "CreateVpc", "--output", "text", "--query", "VpcId", *words)
    assert ran.status == 0, ran.err
    return ran.out.strip()


@pytest.mark.parametrize("signature", ["V1", "V3"])
def test_what_the_api_answers_is_printed(command: Command, signature: str) -> None:
    vpc = _vpc(command, "--cidr-block", "10.0.0.0/8", "--VpcName", "two words ü", "--signature", signature)
    described = command.run("call", "DescribeVpcAttribute", "--VpcId", vpc, "--signature", signature)
    assert (described.status, described.err) == (0, "")
    assert json.loads(described.out)["VpcName"] == "two words ü"
    shown = command.run("call", "DescribeVpcs", "--VpcId", vpc, "--output", "yaml")
    assert yaml.safe_load(shown.out)["Vpcs"]["Vpc"][0]["VpcId"] == vpc
    shown = command.run("call", "DescribeVpcs", "--VpcId", vpc, "--output", "table", COLUMNS="80")
    assert shown.out.splitlines()[1].split()[:2] == [vpc, "two"]
    assert max(map(len, shown.out.splitlines())) <= 80


def test_the_service_on_a_data_directory_here_is_called_with_its_own_key(service: Service, command: Command) -> None:
    nothing = {"GATEWRIGHT_ENDPOINT": "", "GATEWRIGHT_ACCESS_KEY_ID": "", "GATEWRIGHT_ACCESS_KEY_SECRET": ""}
    words = ("call", "Sts", "GetCallerIdentity", "--query", "AccountId", "--output", "text")
    for ran in (
        command.run(*words, "--data", str(service.data), **nothing),
        command.run(*words, GATEWRIGHT_DATA=str(service.data), **nothing),
    ):
        assert (ran.status, ran.out, ran.err) == (0, "1234567890123456\n", "")
    ran = command.run(*words, "--data", str(command.home), **nothing)
    assert (ran.status, ran.out) == (2, "")
    assert f"no service runs on {command.home}: start one" in ran.err


def test_operations_of_other_products_are_called(command: Command) -> None:
    ran = command.run("call", "Sts", "GetCallerIdentity", "--query", "AccountId", "--output", "text")
    assert ran.out == "1234567890123456\n"
    assert command.run("call", "ecs", "describe-zones", "--query", "length(Zones.Zone)").out.strip() != "0"


def test_what_breaks_a_rule_is_not_sent(service: Service, command: Command) -> None:
    before = len(service.control("GET", "/v1/calls"))
    ran = command.run("call", "CreateVpc", "--VpcName", "http://x", "--DryRun")
    assert (ran.status, ran.out) == (1, "")
    first, *others = ran.err.splitlines()
    assert first.startswith(
        "gatewright: CreateVpc was not sent, for it would be refused: InvalidVpcName.Malformed (400)"
    )
    assert any('VpcName "http://x": must be 1 to 128 characters' in line for line in others)
    ran = command.run("call", "CreateVSwitch", "--VpcId", "v", "--ZoneId", "z", "--CidrMask", "x")
    assert "must be a whole number" in ran.err
    ran = command.run("call", "CreateVSwitch", "--ZoneId", "z")
    assert "MissingVpcId" in ran.err
    ran = command.run("call", "CreateVpc", "--EnableIpv6", "true")
    assert "not served yet" in ran.err
    assert len(service.control("GET", "/v1/calls")) == before


def test_rules_between_parameters_are_held_locally_too(command: Command) -> None:
    ran = command.run("call", "CreateVpc", "--CidrBlock", "10.0.0.0/99")
    assert ran.status == 1
    assert "was not sent" in ran.err
    assert 'CidrBlock "10.0.0.0/99": must be an IPv4 network' in ran.err


def test_the_service_judges_what_is_not_validated(command: Command) -> None:
    ran = command.run("call", "CreateVpc", "--VpcName", "http://x", "--OwnerId", "7", "--no-validate")
    assert (ran.status, ran.out) == (1, "")
    assert "CreateVpc was refused: InvalidVpcName.Malformed (400)" in ran.err
    assert f"{command.endpoint}/errors/InvalidVpcName.Malformed" in ran.err
    assert "request id " in ran.err
    ran = command.run("call", "NotThere", "--no-validate")
    assert (ran.status, "InvalidAction.NotFound" in ran.err) == (1, True)
    assert "What to do: Check the spelling" in ran.err


def test_the_success_of_a_dry_run_is_one(command: Command) -> None:
    ran = command.run("call", "CreateVpc", "--DryRun")
    assert (ran.status, ran.out) == (0, "")
    assert "the dry run found nothing wrong" in ran.err


def test_what_is_not_understood_has_a_status_of_its_own(command: Command) -> None:
    for words, told in (
        (("CreateVpcc",), "did you mean CreateVpc?"),
        (("CreateVpc", "--VpcNmae", "x"), "did you mean VpcName?"),
        (("DescribeVpcs", "--query", "a["), "is no JMESPath expression"),
        (("DescribeVpcs", "--wait"), "leave --wait out"),
        (("DescribeVpcs", "--output", "xml"), "invalid choice"),
        (("DescribeVpcs", "--timeout", "soon"), "invalid number of seconds"),
        ((), "gatewright call --list"),
    ):
        ran = command.run("call", *words)
        assert (ran.status, ran.out) == (2, ""), words
        assert told in ran.err
        assert "Traceback" not in ran.err


def test_a_wrong_secret_is_told_without_it(command: Command) -> None:
    ran = command.run("call", "DescribeVpcs", GATEWRIGHT_ACCESS_KEY_SECRET="hush-hush")
    assert ran.status == 1
    assert "the secret of test, which is from GATEWRIGHT_ACCESS_KEY_ID of the environment, is another one" in ran.err
    assert "hush" not in ran.err
    ran = command.run("call", "DescribeVpcs", GATEWRIGHT_ACCESS_KEY_ID="nobody")
    assert f"{command.endpoint} does not know nobody" in ran.err


def test_where_nobody_listens_it_is_said(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ran = command.run("call", "DescribeVpcs", "--endpoint", endpoint)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == f"gatewright: nobody listens at {endpoint}: start `gatewright serve`, or say --endpoint\n"
    ran = command.run("call", "DescribeVpcs", "--endpoint", "127.0.0.1:1")
    assert "not of the form http://HOST:PORT" in ran.err
    ran = command.run("call", "DescribeVpcs", "--ca", "/nowhere/ca.crt")
    assert (ran.status, "/nowhere/ca.crt" in ran.err) == (2, True)


def test_waiting_ends_when_the_resource_has_settled(service: Service, command: Command) -> None:
    vpc = _vpc(command, "--wait")
    switch = command.run(
        *("call", "CreateVSwitch", "--VpcId", vpc, "--ZoneId", "cn-hangzhou-k", "--CidrBlock", "172.16.0.0/24"),
        *("--wait", "--query", "VSwitchId", "--output", "text"),
    )
    assert switch.status == 0, switch.err
    other = command.run(
        *("call", "CreateVSwitch", "--VpcId", vpc, "--ZoneId", "cn-hangzhou-j", "--CidrBlock", "172.16.1.0/24"),
        *("--wait", "--query", "VSwitchId", "--output", "text"),
    )
    made = command.run(
        *("call", "CreateVpnGateway", "--VpcId", vpc, "--Bandwidth", "10", "--VSwitchId", switch.out.strip()),
        *("--disaster-recovery-vswitch-id", other.out.strip(), "--wait", "--query", "VpnGatewayId", "--output", "text"),
    )
    assert made.status == 0, made.err
    gateway = made.out.strip()
    assert f"{gateway} is active" in made.err
    assert service.client().call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active"
    peer = service.client().call("CreateCustomerGateway", IpAddress="203.0.113.7")["CustomerGatewayId"]
    tunnels = "--tunnel-options-specification"
    connected = command.run(
        *("call", "create-vpn-connection", "--vpn-gateway-id", gateway, "--local-subnet", "172.16.0.0/24"),
        *("--remote-subnet", "192.168.0.0/24", f"{tunnels}.1.role", "master", f"{tunnels}.2.role", "slave"),
        *(f"{tunnels}.1.customer-gateway-id", peer, f"{tunnels}.2.customer-gateway-id", peer),
        *(f"{tunnels}.1.tunnel-ike-config.ike-version", "ikev2", "--wait", "--query", "VpnConnectionId", "--output"),
        "text",
    )
    assert connected.status == 0, connected.err
    connection = connected.out.strip()
    assert f"{connection} is active" in connected.err
    assert command.run("call", "DeleteVpnConnection", "--VpnConnectionId", connection).status == 0
    gone = command.run("call", "DeleteVpnGateway", "--VpnGatewayId", gateway, "--wait")
    assert f"{gateway} is gone" in gone.err
    ran = command.run("call", "DescribeVpnGateway", "--VpnGatewayId", gateway)
    assert (ran.status, "InvalidVpnGatewayInstanceId.NotFound" in ran.err) == (1, True)


@pytest.fixture
def slow(service: Service) -> Iterator[None]:
    """VPCs that are made meanwhile stay Pending."""
    service.control("POST", "/v1/delays", {"vpc": 30000})
    yield
    service.control("POST", "/v1/delays", {"vpc": 0})


@pytest.mark.usefixtures("slow")
def test_waiting_too_long_is_told_and_the_answer_printed(command: Command) -> None:
    ran = command.run("call", "CreateVpc", "--wait", "--timeout", "0.2")
    assert ran.status == 124
    assert json.loads(ran.out)["VpcId"] in ran.err
    assert "not Available" in ran.err
    assert "DescribeVpcAttribute shows how it stands" in ran.err


def test_a_service_that_is_away_for_a_moment_is_asked_again(service: Service, command: Command) -> None:
    fault = {"operation": "DescribeVpcAttribute", "code": "ServiceUnavailable", "call": 1}
    service.control("POST", "/v1/faults", fault)
    ran = command.run("call", "CreateVpc", "--wait")
    assert ran.status == 0, ran.err
    assert "not told (ServiceUnavailable), asking again" in ran.err
    assert "is Available" in ran.err


def test_what_was_made_is_told_though_the_wait_is_refused(service: Service, command: Command) -> None:
    fault = {"operation": "DescribeVpcAttribute", "code": "InvalidVpcId.NotFound", "call": 1}
    service.control("POST", "/v1/faults", fault)
    ran = command.run("call", "CreateVpc", "--wait")
    assert ran.status == 1
    assert json.loads(ran.out)["VpcId"].startswith("vpc-")
    assert "DescribeVpcAttribute was refused: InvalidVpcId.NotFound" in ran.err


def test_a_terminal_need_not_have_every_character(command: Command) -> None:
    vpc = _vpc(command, "--VpcName", "ü杭")
    ran = command.run("call", "DescribeVpcs", "--VpcId", vpc, "--output", "table", PYTHONIOENCODING="ascii")
    assert ran.status == 0, ran.err
    assert "\\xfc\\u676d" in ran.out


def test_help_tells_every_parameter_with_its_rules(capsys: pytest.CaptureFixture[str]) -> None:
    for operation in registry.ALL:
        assert call.main([operation.product.code, operation.name, "--help"]) == 0
        told = capsys.readouterr().out
        assert max(map(len, told.splitlines())) <= 100
        together = " ".join(told.split())
        for field in operation.fields:
            assert f"--{field.name}" in told
            for constraint in field.constraints:
                if isinstance(constraint, OneOf):
                    assert all(str(value) in told for value in constraint.values)
                elif not field.fields:
                    assert constraint.rule.removeprefix("must be ") in together
            for inner in field.fields:
                assert f"--{field.name}{'.N' if field.many else ''}.{inner.name}" in told


def test_the_list_has_every_operation_and_fits(capsys: pytest.CaptureFixture[str]) -> None:
    assert call.main(["--list"]) == 0
    told = capsys.readouterr().out
    assert all(f"  {operation.title} " in told for operation in registry.ALL)
    assert max(map(len, told.splitlines())) <= 80


def test_who_reads_only_the_beginning_gets_no_traceback(command: Command) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gatewright", "call", "--list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=command.environment,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read()
    assert process.wait(60) == 1
    process.stderr.close()
    assert told == b""


@pytest.mark.usefixtures("slow")
def test_ctrl_c_ends_a_wait_with_the_answer_and_a_word(command: Command) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gatewright", "call", "CreateVpc", "--wait"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=command.environment,
        text=True,
    )
    assert process.stderr is not None
    assert "waiting for Available" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert f"stopped waiting for {json.loads(out)['VpcId']}" in err


def test_the_server_is_not_loaded_for_help_and_names() -> None:
    code = (
        "import sys; from gatewright.cli import main; main.main(['call', 'CreateVpc', '--help']); "
        "print(*sorted(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in ran.stdout.splitlines()[-1].split()}
    assert not loaded & {"sqlalchemy", "uvicorn", "rich", "yaml", "jmespath", "cryptography"}
    assert not any(name.startswith("gatewright.operations") for name in ran.stdout.splitlines()[-1].split())


def test_the_catalogue_lies_beside_the_code() -> None:
    assert Path(catalogue.__file__).with_name("catalogue.json").is_file()
