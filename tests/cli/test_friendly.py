"""``gatewright gateways`` and its like: what they make, wait for and remove, and what failures leave."""

from __future__ import annotations

import io
import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from gatewright.cli import main
from gatewright.cli.candidates import candidates
from gatewright.cli.friendly.network import TAG, vswitch_mask
from gatewright.resources.regions import regions
from tests.cli.command import Friendly, answered
from tests.support.service import Service

ONE_ZONE, SINGLE_TUNNEL = "cn-nanjing", "ap-south-1"


class There(NamedTuple):
    """How many there are in the region."""

    gateways: int
    vpcs: int
    vswitches: int


def there(service: Service) -> There:
    client = service.client()
    names = ("DescribeVpnGateways", "DescribeVpcs", "DescribeVSwitches")
    return There(*(client.call(name)["TotalCount"] for name in names))


def test_one_word_makes_a_gateway_with_its_network_and_one_removes_it(service: Service, friendly: Friendly) -> None:
    ran = friendly("gateways", "create", "--name", "edge")
    made = answered(ran)
    assert (made["Name"], made["Status"], made["Spec"]) == ("edge", "active", "10M")
    assert [row["Kind"] for row in made["Made"]] == ["VPC", "vSwitch", "vSwitch"]
    first, second = made["Made"][1:]
    assert first["ZoneId"] != second["ZoneId"]
    assert (first["CidrBlock"], second["CidrBlock"]) == ("10.0.0.0/24", "10.0.1.0/24")
    assert (made["VSwitchId"], made["DisasterRecoveryVSwitchId"]) == (first["Id"], second["Id"])
    assert "no network is named: making a VPC and its vSwitches" in ran.err
    assert f"gateway edge ({made['VpnGatewayId']}) is active" in ran.err
    assert there(service) == (1, 1, 2)
    assert answered(friendly("gateways", "show", "edge"))["VpnGatewayId"] == made["VpnGatewayId"]
    listed = friendly("gateways", "list", "--output", "table").out.splitlines()
    assert listed[0].split()[:4] == ["VpnGatewayId", "Name", "Status", "InternetIp"]
    assert listed[1].split()[:3] == [made["VpnGatewayId"], "edge", "active"]
    assert max(map(len, listed)) <= 80
    ran = friendly("gateways", "delete", "edge", "--with-network", "--yes")
    assert (ran.status, ran.out) == (0, "")
    assert len(re.findall(r"is gone \(", ran.err)) == 4
    assert there(service) == (0, 0, 0)


def test_as_a_table_it_is_told_what_was_made(friendly: Friendly) -> None:
    ran = friendly("gateways", "create", "--output", "table", "--quiet")
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].startswith("VpnGatewayId ")
    assert lines[lines.index("Made:") + 1].split() == ["Id", "Name", "CidrBlock", "ZoneId", "Kind"]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(("region", "zones", "halves"), [(ONE_ZONE, 1, 2), (SINGLE_TUNNEL, 1, 1)])
def test_there_are_as_many_vswitches_as_the_regions_gateways_have(
    region: str, zones: int, halves: int, service: Service, friendly: Friendly
) -> None:
    made = answered(friendly("gateways", "create", "--region", region))["Made"]
    assert len({row["ZoneId"] for row in made[1:]}) == zones
    assert len(made) == 1 + halves
    assert regions()[region].dual_tunnel is (halves == 2)


def test_what_is_named_is_used_and_stays(service: Service, friendly: Friendly) -> None:
    vpc = answered(friendly("vpcs", "create", "--name", "mine", "--cidr", "192.168.0.0/24"))
    assert (vpc["VpcName"], vpc["CidrBlock"], vpc["Status"]) == ("mine", "192.168.0.0/24", "Available")
    within = answered(friendly("gateways", "create", "--vpc", vpc["VpcId"]))
    assert [row["CidrBlock"] for row in within["Made"]] == ["192.168.0.0/25", "192.168.0.128/25"]
    vswitches = [row["Id"] for row in within["Made"]]
    words = ("--vswitch", vswitches[0], "--vswitch", vswitches[1], "--private")
    private = answered(friendly("gateways", "create", *words))
    assert (private["NetworkType"], private["VpcId"], private["Spec"]) == ("private", vpc["VpcId"], "200M")
    assert "Made" not in private
    ran = friendly("gateways", "delete", private["VpnGatewayId"], "--with-network", "--yes")
    assert "the VPC stays: its network was not made with it" in ran.err
    assert there(service) == (1, 1, 2)
    ran = friendly("gateways", "delete", within["VpnGatewayId"], "--with-network", "--yes")
    assert f"the VPC stays: {vpc['VpcId']} was not made with it" in ran.err
    assert there(service) == (0, 1, 0)


def test_a_vpc_in_which_something_else_is_stays(service: Service, friendly: Friendly) -> None:
    made = answered(friendly("gateways", "create", "--name", "edge"))
    other = answered(friendly("vswitches", "create", "--vpc", made["VpcId"], "--name", "other"))
    # the next zone and the next network that are free
    assert other["ZoneId"] not in {row["ZoneId"] for row in made["Made"]}
    assert other["CidrBlock"] == "10.0.2.0/24"
    ran = friendly("gateways", "delete", "edge", "--with-network", "--yes")
    assert f"the VPC stays: {made['VpcId']} holds other vSwitches: {other['VSwitchId']}" in ran.err
    assert there(service) == (0, 1, 1)


@pytest.mark.parametrize(("operation", "call"), [("CreateVpnGateway", 1), ("CreateVSwitch", 2)])
def test_what_was_made_for_a_gateway_that_is_refused_is_removed_again(
    operation: str, call: int, service: Service, friendly: Friendly
) -> None:
    fault = {"operation": operation, "code": "InternalError", "status": 400, "message": "No.", "call": call}
    service.control("POST", "/v1/faults", fault)
    ran = friendly("gateways", "create")
    assert (ran.status, ran.out) == (1, "")
    assert f"gatewright: {operation} was refused: InternalError (400)" in ran.err
    assert "what was made for it is removed again:" in ran.err
    assert there(service) == (0, 0, 0)


def test_what_cannot_be_removed_again_is_told_with_the_command_that_does(service: Service, friendly: Friendly) -> None:
    for operation in ("CreateVpnGateway", "DeleteVSwitch"):
        fault = {"operation": operation, "code": "InternalError", "status": 400, "message": "No.", "call": 1}
        service.control("POST", "/v1/faults", fault)
    ran = friendly("gateways", "create", "--quiet")
    assert ran.status == 1
    assert "that did not succeed: DeleteVSwitch" in ran.err
    assert there(service) == (0, 1, 2)
    (told,) = re.findall("^to remove it: (.*)$", ran.err, re.MULTILINE)
    _, *words = shlex.split(told)
    assert friendly(*words, "--yes").status == 0
    assert there(service) == (0, 0, 0)


@pytest.mark.parametrize("operation", ["CreateVpc", "CreateVSwitch", "CreateVpnGateway"])
def test_an_answer_that_is_lost_makes_nothing_twice(operation: str, service: Service, friendly: Friendly) -> None:
    service.control("POST", "/v1/faults", {"operation": operation, "drop": True, "when": "after", "count": 1})
    assert answered(friendly("gateways", "create"))["Status"] == "active"
    assert there(service) == (1, 1, 2)


def test_who_waited_too_long_knows_what_was_made_and_how_to_wait_again(service: Service, friendly: Friendly) -> None:
    service.control("POST", "/v1/delays", {"provisioning": 300})
    ran = friendly("gateways", "create", "--timeout", "0.3")
    assert ran.status == 124
    made = json.loads(ran.out)
    assert len(made["Made"]) == 3
    (told,) = re.findall("To wait again: (.*)$", ran.err, re.MULTILINE)
    service.control("POST", "/v1/clock", {"advance": 300})
    _, *words = shlex.split(told)
    assert made["VpnGatewayId"] in words
    assert answered(friendly(*words))["Status"] == "active"


def test_a_network_whose_gateway_takes_too_long_to_go_is_not_forgotten(service: Service, friendly: Friendly) -> None:
    vpc = answered(friendly("gateways", "create", "--name", "edge"))["VpcId"]
    ran = friendly("gateways", "delete", "edge", "--with-network", "--no-wait", "--yes")
    assert (ran.status, ran.out) == (2, "")
    assert "leave out --no-wait" in ran.err
    assert there(service) == (1, 1, 2)
    service.control("POST", "/v1/delays", {"deleting": 300})
    ran = friendly("gateways", "delete", "edge", "--with-network", "--yes", "--timeout", "0.1")
    assert ran.status != 0
    service.control("POST", "/v1/clock", {"advance": 300})
    (told,) = re.findall("when the gateway is gone: (.+)", ran.err)
    _, *words = shlex.split(told)
    assert words[:4] == ["vpcs", "delete", vpc, "--with-vswitches"]
    assert friendly(*words, "--yes").status == 0
    assert there(service) == (0, 0, 0)


def test_who_does_not_wait_is_answered_at_once(service: Service, friendly: Friendly) -> None:
    service.control("POST", "/v1/delays", {"provisioning": 300})
    made = answered(friendly("gateways", "create", "--no-wait"))
    assert made["Status"] in ("init", "provisioning")
    # nobody waits for what will never come
    service.client().call("DeleteVpnGateway", VpnGatewayId=made["VpnGatewayId"])
    ran = friendly("gateways", "show", made["VpnGatewayId"], "--wait")
    assert ran.status == 1
    assert "is deleting: somebody has deleted it meanwhile" in ran.err or "NotFound" in ran.err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--bandwidth", "5"), 2, "one of 10, 100, 200, 500, 1000 Mbit/s"),
        (("--private", "--bandwidth", "10"), 2, "one of 200, 1000 Mbit/s"),
        (("--name", "1"), 1, "CreateVpnGateway was not sent"),
        (("--private", "--ssl"), 1, "NetworkType is private"),
        (("--vswitch", "vsw-a"), 2, "say as many --vswitch as a gateway in cn-hangzhou has vSwitches: 2, not 1"),
        (("--vswitch", "vsw-a", "--vswitch", "vsw-b", "--zone", "z"), 2, "leave them out"),
        (("--vpc", "vpc-a", "--cidr", "10.0.0.0/16"), 2, "leave one out"),
        (("--zone", "cn-hangzhou-k"), 2, "say as many --zone as a gateway here has vSwitches: 2, not 1"),
        (("--query", "]"), 2, "no JMESPath expression"),
        (("--cidr", "10.0.0.0/99"), 1, "CreateVpc was not sent"),
        (("--vpc", "vpc-a"), 1, "InvalidVpcId.NotFound"),
        (("--vswitch", "vsw-a", "--vswitch", "vsw-b"), 1, "InvalidVSwitchId.NotFound"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(
    words: tuple[str, ...], status: int, said: str, service: Service, friendly: Friendly
) -> None:
    ran = friendly("gateways", "create", *words)
    assert (ran.status, ran.out) == (status, "")
    assert said in ran.err
    assert ran.err.count("gatewright: ") == 1
    assert there(service) == (0, 0, 0)


def test_vpcs_and_vswitches_are_made_listed_shown_and_deleted(service: Service, friendly: Friendly) -> None:
    vpc = answered(friendly("vpcs", "create"))["VpcId"]
    made = answered(friendly("vswitches", "create", "--vpc", vpc, "--cidr", "10.0.7.0/24", "--zone", "cn-hangzhou-j"))
    assert (made["CidrBlock"], made["ZoneId"], made["Status"]) == ("10.0.7.0/24", "cn-hangzhou-j", "Available")
    for kind, identity in (("vpcs", vpc), ("vswitches", made["VSwitchId"])):
        assert identity in friendly(kind, "list", "--output", "table").out
        assert identity in friendly(kind, "show", identity, "--output", "text").out
    assert answered(friendly("vswitches", "list", "--vpc", "vpc-other"))["VSwitches"]["VSwitch"] == []
    ran = friendly("vpcs", "delete", vpc, "--yes")
    assert (ran.status, "DependencyViolation.VSwitch" in ran.err) == (1, True)
    assert "  What to do: Delete the VPC's vSwitches first.\n" in ran.err
    assert friendly("vswitches", "delete", made["VSwitchId"], "--yes").status == 0
    assert friendly("vpcs", "delete", vpc, "--yes").status == 0
    assert there(service) == (0, 0, 0)


def test_customers_devices_are_registered_listed_shown_and_deleted(
    service: Service, friendly: Friendly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    key.write_text("of-the-device\n")
    key.chmod(0o600)
    words = ("203.0.113.7", "--name", "office", "--asn", "1.10", "--auth-key-file", str(key))
    made = answered(friendly("customer-gateways", "create", *words))
    assert tuple(made[name] for name in ("IpAddress", "Name", "Asn")) == ("203.0.113.7", "office", 65546)
    client = service.client()
    kept = client.call("DescribeCustomerGateway", CustomerGatewayId=made["CustomerGatewayId"])
    assert kept["AuthKey"] == "of-the-device"
    monkeypatch.setattr("sys.stdin", io.StringIO("of-another\n"))
    other = answered(friendly("customer-gateways", "create", "203.0.113.8", "--auth-key-file", "-"))
    kept = client.call("DescribeCustomerGateway", CustomerGatewayId=other["CustomerGatewayId"])
    assert kept["AuthKey"] == "of-another"
    for name in ("office", "203.0.113.7", made["CustomerGatewayId"]):
        assert answered(friendly("customer-gateways", "show", name))["CustomerGatewayId"] == made["CustomerGatewayId"]
    for shows in (["show", "office"], ["list"]):
        for form in ("table", "json", "yaml", "text"):
            shown = friendly("customer-gateways", *shows, "--output", form).out
            assert "203.0.113.7" in shown
            assert "of-the-device" not in shown
            assert form != "table" or max(map(len, shown.splitlines())) <= 80
    for wrong, said in (
        (("create", "127.0.0.1"), "InvalidIpAddress.WrongFormat"),
        (("create", "203.0.113.9", "--auth-key-file", str(tmp_path / "none")), "none cannot be read: No such file"),
        (("create", "203.0.113.9", "--auth-key-file", "/dev/null"), "/dev/null has no key in it"),
        (("show", "203.0.113.9"), "no customer gateway here has the id or the name 203.0.113.9"),
    ):
        ran = friendly("customer-gateways", *wrong)
        assert (ran.status != 0, said in ran.err) == (True, True), ran.err
    assert friendly("customer-gateways", "delete", "office", "203.0.113.8", "--yes").status == 0
    assert answered(friendly("customer-gateways", "list"))["CustomerGateways"]["CustomerGateway"] == []


def test_lists_have_every_page_and_names_must_mean_one(service: Service, friendly: Friendly) -> None:
    client = service.client()
    ids = {client.call("CreateVpc", VpcName=f"vpc{number // 2}")["VpcId"] for number in range(51)}
    assert {row["VpcId"] for row in answered(friendly("vpcs", "list"))["Vpcs"]["Vpc"]} == ids
    assert answered(friendly("vpcs", "show", "vpc25"))["VpcId"] in ids
    ran = friendly("vpcs", "delete", "vpc1", "--yes")
    assert (ran.status, "2 VPCs are called vpc1: name one by its id" in ran.err) == (2, True)
    for kind, what in (("vpcs", "VPC"), ("vswitches", "vSwitch"), ("gateways", "gateway")):
        ran = friendly(kind, "show", "nobody", "--region", "cn-beijing")
        assert f"no {what} here has the id or the name nobody: `" in ran.err
        assert f"gatewright {kind} list --region cn-beijing` shows what there is" in ran.err
        assert ran.status == 2
    assert there(service).vpcs == 51


def test_deleting_is_asked_about(service: Service, friendly: Friendly, monkeypatch: pytest.MonkeyPatch) -> None:
    vpc = answered(friendly("vpcs", "create", "--name", "mine"))["VpcId"]
    ran = friendly("vpcs", "delete", "mine")
    assert (ran.status, ran.err) == (2, "gatewright: nobody is here to be asked: say --yes\n")

    class Person:
        """Somebody at a terminal."""

        answer = ""

        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return self.answer

    monkeypatch.setattr("sys.stdin", Person())
    for answer in ("", "\n", "n\n", "what\n"):
        Person.answer = answer
        ran = friendly("vpcs", "delete", "mine")
        assert (ran.status, ran.err) == (1, f"Delete VPC mine ({vpc})? [y/N] gatewright: nothing was deleted\n")
    assert there(service).vpcs == 1
    Person.answer = "y\n"
    assert friendly("vpcs", "delete", "mine").status == 0
    assert there(service).vpcs == 0


def test_what_is_made_carries_a_tag(service: Service, friendly: Friendly) -> None:
    made = answered(friendly("gateways", "create"))
    (tag,) = made["Tags"]["Tag"]
    assert tag["Key"] == TAG
    client = service.client()
    listed = client.call("DescribeVpcs", **{"Tag.1.Key": TAG, "Tag.1.Value": tag["Value"]})
    assert listed["TotalCount"] == 1


def test_its_words_are_completed() -> None:
    def proposed(*words: str) -> set[str]:
        return {each.word for each in candidates(words, main._parser())}

    assert {"gateways", "vpcs", "vswitches", "customer-gateways"} <= proposed("")
    assert proposed("gateways", "") == {"create", "list", "show", "delete"}
    assert {"--with-network", "--yes", "--data", "--no-wait"} <= proposed("gateways", "delete", "vpn-1", "--")
    assert proposed("vpcs", "create", "--output", "") == {"table", "json", "yaml", "text"}


@pytest.mark.parametrize(("network", "mask"), [("10.0.0.0/8", 24), ("10.0.0.0/24", 25), ("10.0.0.0/28", 29)])
def test_two_vswitches_fit_into_a_vpc(network: str, mask: int) -> None:
    assert vswitch_mask(network) == mask


@pytest.mark.parametrize("kind", ["gateways", "connections"])
def test_what_waits_only_when_it_is_told_has_no_option_against_it(
    kind: str, capsys: pytest.CaptureFixture[str], friendly: Friendly
) -> None:
    with pytest.raises(SystemExit):
        friendly(kind, "show", "--help")
    told = capsys.readouterr().out
    assert ("--wait" in told, "--timeout" in told, "--no-wait" in told) == (True, True, False)
