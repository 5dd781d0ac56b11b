"""Terraform's provider, as far as calling goes: what its ``RpcPost`` sends, and what its schema takes.

From the sources of terraform-provider-alicloud 1.289.0: what is in the query and what in the form, the signature (V1
over both, ``Format=json``), what ends a poll, and what the provider takes for gone.
"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from tests.support.client import VPC, Client, Reply, sign_v1, v1_parameters
from tests.support.service import Service

REGION = {"RegionId": "cn-hangzhou"}


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


#: What a tunnel's fields must be for the provider to store them: its types are taken as they are.
BOOLEANS = ("EnableDpd", "EnableNatTraversal", "EffectImmediately", "EnableTunnelsBgp")
NUMBERS = ("CreateTime", "IkeLifetime", "IpsecLifetime", "LocalAsn", "PeerAsn", "Interval", "Retry")


def check_types(read: Any) -> None:
    """Whether whatever is told is of the type that the provider's schema has for it."""
    if isinstance(read, list):
        for each in read:
            check_types(each)
    elif isinstance(read, dict):
        for name, value in read.items():
            kind = bool if name in BOOLEANS else int if name in NUMBERS else str
            assert isinstance(value, dict | list) or type(value) is kind, (name, value)
            check_types(value)


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
