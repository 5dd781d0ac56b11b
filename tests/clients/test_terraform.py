"""What Terraform's provider sends for ``examples/terraform``, replayed: create, poll, read, update, destroy.

From the sources of terraform-provider-alicloud 1.289.0, which cannot be run here: the parameters of each resource, what
is in the query and what in the form, the signature (V1 over both, ``Format=json``), what ends a poll, and what the
provider takes for gone. It reads fields into a typed schema, where a string for a boolean is drift without a word.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.client import VPC, Client, Reply, sign_v1, v1_parameters
from tests.support.service import Service

EXAMPLE = Path(__file__).parents[2] / "examples/terraform/main.tf"
REGION = {"RegionId": "cn-hangzhou"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("terraform") / "data", arguments=("--control",)) as started:
        yield started


class Provider:
    """Sends as the provider's ``RpcPost`` does."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def post(
        self,
        action: str,
        body: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        version: str = VPC,
    ) -> Reply:
        form = body or {}
        if not action.startswith(("Describe", "Query")):
            form = {**form, "ClientToken": f"TF-{action}-1795478700-{uuid.uuid4()}"[:64]}
        common = v1_parameters(action, query or {}, "test", version) | {"Format": "json"}
        common["Signature"] = sign_v1("POST", {**common, **form}, "secret")
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-acs-action": action,
            "x-acs-version": version,
            "user-agent": "AlibabaCloud API Workbench Terraform/1.11.0 Provider/1.289.0",
        }
        return self._client.send("POST", "/?" + urlencode(common), urlencode(form).encode(), headers)

    def done(self, action: str, body: dict[str, str] | None = None, **query: str) -> dict[str, Any]:
        """The answer to what has to succeed: an error is one in a 200, too."""
        reply = self.post(action, body, query)
        answer = reply.json()
        assert reply.status == 200, answer
        assert not {"Code", "code", "Success"} & set(answer)
        return answer

    def gone(self, action: str, body: dict[str, str] | None = None, **query: str) -> str:
        """The code of what ends the poll of a removal: status 404, whichever resource."""
        reply = self.post(action, body, query)
        assert reply.status == 404
        return str(reply.json()["Code"])


def network(cloud: Service, provider: Provider) -> tuple[str, list[str]]:
    """``alicloud_vpc`` and ``alicloud_vswitch``: made, polled, read."""
    vpc = provider.done("CreateVpc", {**REGION, "CidrBlock": "10.0.0.0/8", "VpcName": "gatewright-example"})["VpcId"]
    read = provider.done("DescribeVpcAttribute", {**REGION, "VpcId": vpc})
    assert read["Status"] == "Available"
    assert (read["CidrBlock"], read["VpcName"], read["Description"]) == ("10.0.0.0/8", "gatewright-example", "")
    assert read["IsDefault"] is False
    assert read["UserCidrs"]["UserCidr"] == []
    assert read["SecondaryCidrBlocks"]["SecondaryCidrBlock"] == []
    tables = provider.done("DescribeRouteTableList", {**REGION, "VpcId": vpc})["RouterTableList"]["RouterTableListType"]
    (system,) = [table for table in tables if table["RouteTableType"] == "System" and table["VpcId"] == vpc]
    assert system["RouterId"] == read["VRouterId"]
    vswitches = []
    for number, zone in enumerate(("cn-hangzhou-k", "cn-hangzhou-j"), 1):
        given = {"CidrBlock": f"10.0.{number}.0/24", "ZoneId": zone, "VSwitchName": f"gatewright-example-{number}"}
        made = provider.done("CreateVSwitch", {**REGION, "VpcId": vpc, **given})["VSwitchId"]
        cloud.control("GET", "/v1/instances")  # answered when the plane has settled
        described = provider.done("DescribeVSwitchAttributes", REGION, VSwitchId=made)
        assert described["Status"] == "Available"
        assert {name: described[name] for name in given} == given
        assert described["IsDefault"] is False
        vswitches.append(made)
    return vpc, vswitches


def state_of(read: dict[str, Any]) -> dict[str, Any]:
    """What ``alicloud_vpn_gateway`` keeps of DescribeVpnGateway, by the names of the example."""
    assert isinstance(read["CreateTime"], int)
    assert isinstance(read["SslMaxConnections"], int)
    assert read["AutoPropagate"] is False
    return {
        "vpn_gateway_name": read["Name"],
        "description": read["Description"],
        "vpc_id": read["VpcId"],
        "vswitch_id": read["VSwitchId"],
        "disaster_recovery_vswitch_id": read["DisasterRecoveryVSwitchId"],
        "bandwidth": int(read["Spec"].partition("M")[0]),
        "network_type": read["NetworkType"],
        "payment_type": {"Prepay": "Subscription", "PostpayByFlow": "PayAsYouGo"}[read["ChargeType"]],
        "enable_ipsec": read["IpsecVpn"] == "enable",
        "enable_ssl": read["SslVpn"] == "enable",
        "tags": {tag["Key"]: tag["Value"] for tag in read.get("Tags", {}).get("Tag", [])},
    }


def test_the_example_is_made_changed_and_destroyed(cloud: Service) -> None:
    cloud.control("POST", "/v1/reset")
    cloud.control("POST", "/v1/delays", {"provisioning": 120, "deleting": 30})
    provider = Provider(cloud.client())
    started = provider.post("QueryAvailableInstances", query=REGION, version="2017-12-14")
    assert started.status == 200
    vpc, vswitches = network(cloud, provider)

    wanted = {
        "vpn_gateway_name": "gatewright-example",
        "description": "An example",
        "vpc_id": vpc,
        "vswitch_id": vswitches[0],
        "disaster_recovery_vswitch_id": vswitches[1],
        "bandwidth": 10,
        "network_type": "public",
        "payment_type": "PayAsYouGo",
        "enable_ipsec": True,
        "enable_ssl": False,
        "tags": {"example": "terraform"},
    }
    # the replay is of the example, and not of one that it once was
    block = EXAMPLE.read_text().partition('resource "alicloud_vpn_gateway" "this"')[2]
    assert set(re.findall(r"^  (\w+) +=", block, re.MULTILINE)) == set(wanted)
    gateway = provider.done(
        "CreateVpnGateway",
        {
            **REGION,
            "VpcId": vpc,
            "VSwitchId": vswitches[0],
            "DisasterRecoveryVSwitchId": vswitches[1],
            "Name": "gatewright-example",
            "NetworkType": "public",
            "AutoPay": "true",
            "EnableIpsec": "true",
            "EnableSsl": "false",
            "InstanceChargeType": "POSTPAY",
            "Bandwidth": "10",
        },
    )["VpnGatewayId"]
    which = {**REGION, "VpnGatewayId": gateway}
    assert provider.done("DescribeVpnGateway", **which)["Status"] in ("init", "provisioning")
    cloud.control("POST", "/v1/clock", {"advance": 120})
    assert provider.done("DescribeVpnGateway", **which)["Status"] == "active"
    # what CreateVpnGateway does not take is sent after it
    provider.done("ModifyVpnGatewayAttribute", {**REGION, "Description": "An example"}, VpnGatewayId=gateway)
    tag(provider, gateway, example="terraform")
    assert provider.done("DescribeVpnGateway", **which)["Status"] == "active"
    read = provider.done("DescribeVpnGateway", **which)
    assert state_of(read) == wanted
    assert len({read["InternetIp"], read["DisasterRecoveryInternetIp"], ""}) == 3

    provider.done(
        "ModifyVpnGatewayAttribute", {**REGION, "Description": "Changed", "Name": "other"}, VpnGatewayId=gateway
    )
    untag(provider, gateway, "example")
    tag(provider, gateway, another="one")
    changed = {"vpn_gateway_name": "other", "description": "Changed", "tags": {"another": "one"}}
    assert state_of(provider.done("DescribeVpnGateway", **which)) == wanted | changed

    # a vSwitch with a gateway in it is asked for again and again until it goes
    busy = provider.post("DeleteVSwitch", {**REGION, "VSwitchId": vswitches[0]}).json()["Code"]
    assert busy.startswith("DependencyViolation")
    provider.done("DeleteVpnGateway", REGION, VpnGatewayId=gateway)
    assert provider.done("DescribeVpnGateway", **which)["Status"] == "deleting"
    cloud.control("POST", "/v1/clock", {"advance": 30})
    assert provider.gone("DescribeVpnGateway", **which) == "InvalidVpnGatewayInstanceId.NotFound"
    for vswitch in vswitches:
        provider.done("DeleteVSwitch", {**REGION, "VSwitchId": vswitch})
        cloud.control("GET", "/v1/instances")
        provider.gone("DescribeVSwitchAttributes", REGION, VSwitchId=vswitch)
    provider.done("DeleteVpc", {**REGION, "VpcId": vpc})
    provider.gone("DescribeVpcAttribute", {**REGION, "VpcId": vpc})


def test_a_customer_gateway_is_made_changed_and_destroyed(cloud: Service) -> None:
    """``alicloud_vpn_customer_gateway``: its ``asn`` is the provider's own, so one that is not set must not be told."""
    cloud.control("POST", "/v1/reset")
    provider = Provider(cloud.client())
    plain = provider.done("CreateCustomerGateway", {**REGION, "IpAddress": "203.0.113.8"})["CustomerGatewayId"]
    read = provider.done("DescribeCustomerGateway", REGION, CustomerGatewayId=plain)
    assert "Asn" not in read
    assert (read["Name"], read["Description"], read["Tags"]["Tag"]) == ("", "", [])
    given = {"IpAddress": "203.0.113.7", "Asn": "65000", "Name": "office", "Description": "A device"}
    made = provider.done("CreateCustomerGateway", {**REGION, **given})["CustomerGatewayId"]
    tag(provider, made, "CUSTOMERGATEWAY", site="north")
    read = provider.done("DescribeCustomerGateway", REGION, CustomerGatewayId=made)
    assert {name: str(read[name]) for name in given} == given
    assert isinstance(read["CreateTime"], int)
    assert read["Tags"]["Tag"] == [{"Key": "site", "Value": "north"}]
    changed = {"Name": "other", "Description": "Changed"}
    provider.done("ModifyCustomerGatewayAttribute", {**REGION, "CustomerGatewayId": made, **changed})
    untag(provider, made, "site", "CUSTOMERGATEWAY")
    pages = provider.done("DescribeCustomerGateways", REGION, PageNumber="1", PageSize="50")
    listed = {each["CustomerGatewayId"]: each for each in pages["CustomerGateways"]["CustomerGateway"]}
    assert {name: listed[made][name] for name in changed} == changed
    assert listed[made]["Tags"]["Tag"] == []
    for identity in (made, plain):
        provider.done("DeleteCustomerGateway", {**REGION, "CustomerGatewayId": identity})
        told = provider.gone("DescribeCustomerGateway", REGION, CustomerGatewayId=identity)
        assert told == "InvalidCustomerGatewayInstanceId.NotFound"


def tag(provider: Provider, resource: str, kind: str = "VpnGateWay", **tags: str) -> None:
    numbered = enumerate(tags.items(), 1)
    pairs = {
        f"Tag.{number}.{part}": text
        for number, pair in numbered
        for part, text in zip(("Key", "Value"), pair, strict=True)
    }
    provider.done("TagResources", {**REGION, "ResourceId.1": resource, "ResourceType": kind, **pairs})


def untag(provider: Provider, resource: str, key: str, kind: str = "VpnGateWay") -> None:
    given = {"ResourceId.1": resource, "ResourceType": kind, "TagKey.1": key}
    provider.done("UnTagResources", {**REGION, **given})


def test_errors_are_of_the_form_that_the_provider_reads(cloud: Service) -> None:
    reply = Provider(cloud.client()).post("CreateVpnGateway", {**REGION, "VpcId": "vpc-nobody", "Bandwidth": "10"})
    answer = json.loads(reply.body)
    # a 5xx is sent again and again, an empty or short code stands for whatever is waited for
    assert 400 <= reply.status < 500
    assert len(answer["Code"]) > 5
    assert answer["Message"]
    assert answer["RequestId"]
