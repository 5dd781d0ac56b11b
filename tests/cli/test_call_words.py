"""The words of a call: spellings, lists, what is refused and what is proposed. No service is asked."""

from __future__ import annotations

import json

import pytest

from gatewright.cli import call, catalogue
from gatewright.cli.call_words import on_the_wire, spelled, split
from gatewright.cli.catalogue import Unknown, folded
from gatewright.operations import registry

KNOWN = catalogue.load()
TUNNELS = "TunnelOptionsSpecification"
OPTIONS = call.options(call.parser())


def _sent(*words: str, strict: bool = True) -> dict[str, str]:
    told = split(words, OPTIONS)
    return on_the_wire(call.named(KNOWN, told.names), told.parameters, strict=strict)


def test_every_operation_that_is_served_is_known() -> None:
    assert [each.title for each in KNOWN.operations] == [each.title for each in registry.ALL]
    for operation in registry.ALL:
        known = KNOWN.find(operation.product.code, operation.name)
        assert known.version == operation.product.version
        assert [each.name for each in known.parameters] == [field.name for field in operation.fields]
        assert [each.required for each in known.parameters] == [field.required for field in operation.fields]


def test_no_two_names_differ_only_in_spelling() -> None:
    for known in KNOWN.operations:
        names = [folded(each.name) for each in known.parameters] + [folded(name) for name in known.not_yet]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "words",
    [
        ("CreateVSwitch", "--VpcId", "v", "--ZoneId", "z"),
        ("create-v-switch", "--vpc-id", "v", "--zone-id=z"),
        ("createvswitch", "--vpcid=v", "--zone_id", "z"),
        ("vpc", "CreateVSwitch", "--VPCID", "v", "--ZoneId", "z"),
        ("--output", "json", "CreateVSwitch", "--VpcId", "v", "--wait", "--ZoneId", "z"),
    ],
)
def test_names_are_taken_in_any_spelling(words: tuple[str, ...]) -> None:
    assert _sent(*words) == {"VpcId": "v", "ZoneId": "z"}


def test_options_of_ours_are_lower_case_and_the_apis_are_not() -> None:
    told = split(["BssOpenApi", "QueryAvailableInstances", "--region", "r", "--Region", "R", "--wait"], OPTIONS)
    assert told.options == ["--region", "r", "--wait"]
    assert told.parameters == [("Region", "R")]


def test_a_value_may_be_negative_empty_or_have_an_equals_sign() -> None:
    assert _sent("CreateVpc", "--Description", "-x", "--VpcName", "", "--user-cidr=a=b") == {
        "Description": "-x",
        "VpcName": "",
        "UserCidr": "a=b",
    }
    assert _sent("CreateVpc", "--Description=--x") == {"Description": "--x"}


def test_true_need_not_be_written() -> None:
    assert _sent("CreateVpc", "--dry-run", "--VpcName", "n") == {"DryRun": "true", "VpcName": "n"}
    assert _sent("CreateVpc", "--dry-run", "false") == {"DryRun": "false"}
    with pytest.raises(Unknown, match=r"--VpcName needs a value"):
        _sent("CreateVpc", "--VpcName", "--dry-run")


def test_lists_are_taken_in_every_form() -> None:
    tags = '[{"Key": "a", "Value": "b"}]'
    assert _sent("CreateVpc", "--tag.1.key", "a", "--Tag.2.Value", "b") == {"Tag.1.Key": "a", "Tag.2.Value": "b"}
    assert _sent("CreateVpc", "--tag", tags) == {"Tag": tags}
    assert json.loads(_sent("CreateVpc", "--Tag", '{"Key": "a"}', "--Tag", '{"Key": "b"}')["Tag"]) == [
        {"Key": "a"},
        {"Key": "b"},
    ]
    assert _sent("TagResources", "--ResourceId", "x", "--ResourceId", "y") == {"ResourceId.1": "x", "ResourceId.2": "y"}
    assert _sent("TagResources", "--resource-id.3", "x") == {"ResourceId.3": "x"}
    assert _sent("TagResources", "--ResourceId", '["x"]') == {"ResourceId": '["x"]'}


def test_objects_are_taken_in_every_form() -> None:
    operation = "ModifyVpnConnectionAttribute"
    assert _sent(operation, "--ike-config.psk", "a") == {"IkeConfig.Psk": "a"}
    assert _sent(operation, "--IkeConfig", '{"Psk": "a"}') == {"IkeConfig": '{"Psk": "a"}'}
    given = ("--tunnel-options-specification.2.tunnel-bgp-config.local-asn", "65000", "--enable-dpd")
    assert _sent(operation, *given) == {f"{TUNNELS}.2.TunnelBgpConfig.LocalAsn": "65000", "EnableDpd": "true"}
    assert _sent("ModifyTunnelAttribute", f"--{TUNNELS}.EnableDpd") == {f"{TUNNELS}.EnableDpd": "true"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("CreateVpcs",), "no operation CreateVpcs; did you mean CreateVpc?"),
        (("DescribeVpnGatway",), "did you mean DescribeVpnGateway"),
        (("xyz",), "no operation xyz$"),
        (("Esc", "DescribeZones"), "no product Esc; there are Vpc, Ecs,"),
        (("BssOpenApis", "x"), "no product BssOpenApis; did you mean BssOpenApi?"),
        (("Ecs", "CreateVpc"), "no operation Ecs CreateVpc; did you mean CreateVpc?"),
        (("Ecs", "DescribeZones", "x"), "one word too many"),
        (("CreateVpc", "--VpcNam", "x"), "no parameter VpcNam; did you mean VpcName?"),
        (("CreateVpc", "--qwerty", "x"), "no parameter qwerty: `gatewright call CreateVpc --help`"),
        (("CreateVpc", "--VpcName.1", "x"), "one value: write --VpcName value"),
        (("CreateVpc", "--Tag.Key", "x"), r"a list: write --Tag\.1\.Key value"),
        (("CreateVpc", "--Tag.1", "x"), r"a list of objects: write --Tag\.1\.Key value"),
        (("CreateVpc", "--Tag.1.Kee", "x"), "has no Kee; it has Key, Value"),
        (("TagResources", "--ResourceId.1.x", "x"), r"write --ResourceId\.1 value"),
        (("CreateVpnConnection", "--IkeConfig.Psq", "x"), "IkeConfig has no Psq; it has Psk, IkeVersion"),
        (
            ("CreateVpnConnection", "--IkeConfig.Psk.x", "x"),
            r"IkeConfig\.Psk is one value: write --IkeConfig\.Psk value",
        ),
        (("CreateVpnConnection", f"--{TUNNELS}.1.TunnelIkeConfig.x", "x"), r"\.1\.TunnelIkeConfig has no x"),
        (("CreateVpnConnection", f"--{TUNNELS}.Role", "x"), r"is a list: write --TunnelOptionsSpecification\.1"),
        (("CreateVpc", "--VpcName", "x", "--vpc-name", "y"), "VpcName is given twice"),
        (("CreateVpc", "-x"), "'-x' is no option"),
        (("CreateVpc", "--"), "'--' is no option"),
    ],
)
def test_what_is_not_understood_is_told_with_what_was_meant(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(Unknown, match=told):
        _sent(*words)


def test_an_operation_that_only_another_product_has_needs_no_product() -> None:
    assert call.named(KNOWN, ["get-caller-identity"]).title == "Sts GetCallerIdentity"
    assert call.named(KNOWN, ["DescribeZones"]).product == "Vpc"
    assert call.named(KNOWN, ["alb", "DescribeZones"]).title == "Alb DescribeZones"


def test_what_is_not_served_yet_is_passed_on_for_the_rules_to_refuse() -> None:
    assert spelled(KNOWN.find(None, "CreateVpc"), "enable-ipv6") == ("EnableIpv6", None)


def test_without_validation_names_go_as_they_are() -> None:
    assert _sent("CreateVpc", "--OwnerId", "7", "--vpc-name", "n", strict=False) == {"OwnerId": "7", "VpcName": "n"}
    assert call.named(KNOWN, ["Vpc", "NotThereYet"], guess=True).version == "2016-04-28"
