"""Tags: given with an order and afterwards, taken off, listed, filtered by; and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cell import Cell


def tagged(**pairs: str) -> dict[str, str]:
    """``Tag.N`` parameters."""
    given: dict[str, str] = {}
    for number, (key, value) in enumerate(pairs.items(), 1):
        given |= {f"Tag.{number}.Key": key, f"Tag.{number}.Value": value}
    return given


def listed(cell: Cell, kind: str, **parameters: Any) -> list[tuple[str, str, str]]:
    found = cell.call("ListTagResources", ResourceType=kind, **parameters)["TagResources"]["TagResource"]
    assert {tag["ResourceType"] for tag in found} <= {kind.upper()}
    return [(tag["ResourceId"], tag["TagKey"], tag["TagValue"]) for tag in found]


def test_every_kind_of_resource_is_tagged_listed_and_filtered_by(cell: Cell) -> None:
    network = cell.network()
    gateway = cell.gateway(network)
    table = cell.call("DescribeVpcs")["Vpcs"]["Vpc"][0]["RouterTableIds"]["RouterTableIds"][0]
    customer = cell.call("CreateCustomerGateway", IpAddress="203.0.113.1")["CustomerGatewayId"]
    for kind, resource in (
        ("CustomerGateway", customer),
        ("Vpc", network[0]),
        ("vswitch", network[1]),
        ("ROUTETABLE", table),
        ("VpnGateWay", gateway),
    ):
        cell.call("TagResources", ResourceType=kind, **{"ResourceId.1": resource}, **tagged(team="edge", env="test"))
        assert listed(cell, kind, **{"ResourceId.1": resource}) == [
            (resource, "env", "test"),
            (resource, "team", "edge"),
        ]
    described = cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Tags"]["Tag"]
    assert described == [{"Key": "env", "Value": "test"}, {"Key": "team", "Value": "edge"}]
    for action in ("DescribeVpcs", "DescribeVSwitches", "DescribeVpnGateways", "DescribeCustomerGateways"):
        assert cell.call(action, **tagged(team="edge"))["TotalCount"] == 1
        assert cell.call(action, **{"Tag.1.Key": "env"})["TotalCount"] == 1
        assert cell.call(action, **tagged(team="edge", env="test"))["TotalCount"] == 1
        assert cell.call(action, **tagged(team="core"))["TotalCount"] == 0
        assert cell.call(action, **tagged(team="edge", env="live"))["TotalCount"] == 0


def test_tags_come_with_the_order_and_go_with_the_resource(cell: Cell) -> None:
    vpc = cell.call("CreateVpc", CidrBlock="10.0.0.0/8", **tagged(a="1"))["VpcId"]
    vswitches = [
        cell.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=f"10.{n}.0.0/24", **tagged(b=str(n)))["VSwitchId"]
        for n, zone in enumerate(("cn-hangzhou-k", "cn-hangzhou-j"))
    ]
    gateway = cell.gateway((vpc, *vswitches), **tagged(c="3", d=""))
    assert cell.call("DescribeVpcAttribute", VpcId=vpc)["Tags"]["Tag"] == [{"Key": "a", "Value": "1"}]
    assert cell.call("DescribeVSwitchAttributes", VSwitchId=vswitches[1])["Tags"]["Tag"] == [{"Key": "b", "Value": "1"}]
    cell.until_status(gateway, "active")
    assert listed(cell, "VPNGATEWAY", **{"ResourceId.1": gateway}) == [(gateway, "c", "3"), (gateway, "d", "")]
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    cell.until_gone(gateway)
    for vswitch in vswitches:
        cell.call("DeleteVSwitch", VSwitchId=vswitch)
    cell.until("DescribeVSwitches", lambda answer: answer["TotalCount"] == 0)
    cell.call("DeleteVpc", VpcId=vpc)
    assert cell.call("DescribeTags")["TagResources"]["TagResource"] == []


def test_a_key_gets_a_new_value_and_is_taken_off_by_key_or_all_at_once(cell: Cell) -> None:
    first, second = cell.call("CreateVpc")["VpcId"], cell.call("CreateVpc")["VpcId"]
    both = {"ResourceId.1": first, "ResourceId.2": second}
    cell.call("TagResources", ResourceType="VPC", **both, **tagged(a="1", b="2", c="3"))
    cell.call("TagResources", ResourceType="VPC", **{"ResourceId.1": first}, **tagged(a="one"))
    assert listed(cell, "VPC", **{"ResourceId.1": first})[0] == (first, "a", "one")
    assert listed(cell, "VPC", **{"ResourceId.1": second})[0] == (second, "a", "1")
    cell.call("UnTagResources", ResourceType="VPC", **both, **{"TagKey.1": "a", "TagKey.2": "never"})
    assert [key for _, key, _ in listed(cell, "VPC", **both)] == ["b", "c", "b", "c"]
    cell.call("UnTagResources", ResourceType="VPC", **both)
    assert len(listed(cell, "VPC", **both)) == 4
    cell.call("UnTagResources", ResourceType="VPC", **both, All=True)
    assert listed(cell, "VPC", **both) == []


def test_the_listing_is_paged_by_token_and_narrowed_by_tags(cell: Cell) -> None:
    vpcs = sorted(cell.call("CreateVpc", **tagged(n=str(n), all="yes"))["VpcId"] for n in range(3))
    ids = {f"ResourceId.{n}": vpc for n, vpc in enumerate(vpcs, 1)}
    pages, token = [], None
    for _ in range(4):
        answer = cell.call("ListTagResources", ResourceType="VPC", MaxResults=4, NextToken=token, **ids)
        pages.append([(tag["ResourceId"], tag["TagKey"]) for tag in answer["TagResources"]["TagResource"]])
        token = answer.get("NextToken")
        if token is None:
            break
    assert [len(page) for page in pages] == [4, 2]
    assert [tag for page in pages for tag in page] == [(vpc, key) for vpc in vpcs for key in ("all", "n")]
    assert {resource for resource, _, _ in listed(cell, "VPC", **tagged(n="1"))} < set(vpcs)
    assert len(listed(cell, "VPC", **tagged(all="yes"))) == 6
    assert listed(cell, "VSWITCH", **tagged(all="yes")) == []
    assert cell.refusal("ListTagResources", ResourceType="VPC", NextToken="x", **ids).code == "InvalidParameter"
    refused = cell.refusal("ListTagResources", ResourceType="VPC")
    assert (refused.status, refused.code) == (403, "BothEmpty.TagsAndResources")


def test_tags_and_keys_in_use_are_listed_once(cell: Cell) -> None:
    network = cell.network()
    for n in range(3):
        cell.call("CreateVpc", **tagged(env="test", number=str(n), **{"50%_off": ""}))
    cell.call("TagResources", ResourceType="VSWITCH", **{"ResourceId.1": network[1]}, **tagged(zone="k"))
    cell.call("CreateVpc", RegionId="cn-beijing", **tagged(elsewhere="1"))

    def keys(**parameters: Any) -> list[str]:
        found = cell.call("DescribeTagKeys", **parameters)["TagKeys"]["TagKey"]
        assert {key["Type"] for key in found} <= {"Custom"}
        return [key["TagKey"] for key in found]

    assert keys() == ["50%_off", "env", "number", "zone"]
    assert keys(ResourceType="vswitch") == ["zone"]
    assert keys(Keyword="n") == ["env", "number", "zone"]
    assert keys(Keyword="N") == []
    assert keys(Keyword="%") == keys(Keyword="_") == ["50%_off"]
    assert keys(**{"ResourceId.1": network[1]}) == ["zone"]
    page = cell.call("DescribeTagKeys", MaxResult=3)
    assert keys(NextToken=page["NextToken"]) == ["zone"]
    in_use = cell.call("DescribeTags", ResourceType="VPC")["TagResources"]["TagResource"]
    pairs = [(tag["TagKey"], tag["TagValue"]) for tag in in_use]
    assert pairs == [("50%_off", ""), ("env", "test"), ("number", "0"), ("number", "1"), ("number", "2")]
    with_one = cell.call("DescribeTags", **tagged(number="1"))["TagResources"]["TagResource"]
    assert [tag["TagKey"] for tag in with_one] == ["50%_off", "env", "number"]
    first = cell.call("DescribeTags", MaxResult=4)
    rest = cell.call("DescribeTags", NextToken=first["NextToken"])["TagResources"]["TagResource"]
    assert [tag["TagValue"] for tag in rest] == ["2", "k"]


@pytest.mark.parametrize("action", ["TagResources", "CreateVpc", "CreateVSwitch", "CreateVpnGateway"])
@pytest.mark.parametrize(
    ("tags", "code", "named"),
    [
        ({"Tag.1.Key": ""}, "InvalidParameter.TagKey", "Tag.1.Key"),
        ({"Tag.1.Value": "v"}, "InvalidParameter.TagKey", "Tag.1.Key"),
        ({"Tag.1.Key": "k" * 129}, "InvalidParameter.TagKey", "Tag.1.Key"),
        ({"Tag.1.Key": "ok", "Tag.2.Key": "Aliyun-x"}, "InvalidParameter.TagKey", "Tag.2.Key"),
        ({"Tag.1.Key": "acs:x"}, "InvalidParameter.TagKey", "Tag.1.Key"),
        ({"Tag.1.Key": "HTTP://x"}, "InvalidParameter.TagKey", "Tag.1.Key"),
        ({"Tag.1.Key": "k", "Tag.1.Value": "https://x"}, "InvalidParameter.TagValue", "Tag.1.Value"),
        ({"Tag.1.Key": "k", "Tag.1.Value": "v" * 129}, "InvalidParameter.TagValue", "Tag.1.Value"),
        ({"Tag.1.Key": "k", "Tag.2.Key": "k"}, "Duplicated.TagKey", "Tag.2.Key"),
        ({"Tag.1.Key": "k", "Tag.2.Key": "K"}, "Forbidden.TagKey.Duplicated", "Tag.2.Key"),
        ({f"Tag.{n}.Key": f"k{n}" for n in range(1, 22)}, "SizeLimitExceeded.TagNum", "Tag"),
    ],
)
def test_a_wrong_tag_is_refused_alike_everywhere(
    cell: Cell, action: str, tags: dict[str, str], code: str, named: str
) -> None:
    vpc, first, second = cell.network()
    orders: dict[str, dict[str, Any]] = {
        "TagResources": {"ResourceType": "VPC", "ResourceId.1": vpc},
        "CreateVpc": {},
        "CreateVSwitch": {"VpcId": vpc, "ZoneId": "cn-hangzhou-k", "CidrBlock": "10.9.0.0/24"},
        "CreateVpnGateway": {
            "VpcId": vpc,
            "VSwitchId": first,
            "DisasterRecoveryVSwitchId": second,
            "Bandwidth": 10,
        },
    }
    refused = cell.refusal(action, **orders[action], **tags)
    assert (refused.status, refused.code) == (400, code)
    assert refused.detail.startswith(f"{named} ")
    assert cell.call("DescribeVpcs")["TotalCount"] == 1
    assert cell.call("DescribeTags")["TagResources"]["TagResource"] == []


def test_a_resource_has_twenty_tags_at_most_and_a_refused_request_tags_none(cell: Cell) -> None:
    full, empty = cell.call("CreateVpc")["VpcId"], cell.call("CreateVpc")["VpcId"]
    twenty = tagged(**{f"k{n:02}": "v" for n in range(20)})
    cell.call("TagResources", ResourceType="VPC", **{"ResourceId.1": full}, **twenty)
    cell.call("TagResources", ResourceType="VPC", **{"ResourceId.1": full}, **tagged(k07="changed"))
    both = {"ResourceId.1": empty, "ResourceId.2": full}
    refused = cell.refusal("TagResources", ResourceType="VPC", **both, **tagged(new="v"))
    assert refused.code == "SizeLimitExceeded.TagNum"
    assert full in refused.detail
    assert listed(cell, "VPC", **{"ResourceId.1": empty}) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ResourceType": "PLANET"}, "InvalidInstanceType.NotFound"),
        ({"ResourceType": "EIP"}, "InvalidInstanceIds.NotFound"),
        ({"ResourceType": "VSWITCH"}, "InvalidInstanceIds.NotFound"),
        ({"ResourceId.2": "vpc-nowhere"}, "InvalidInstanceIds.NotFound"),
        ({"RegionId": "cn-beijing"}, "InvalidInstanceIds.NotFound"),
        ({f"ResourceId.{n}": f"vpc-{n}" for n in range(2, 52)}, "SizeLimitExceeded.ResourceId"),
        ({"ResourceId.1": None}, "MissingResourceId"),
        ({"ResourceType": None}, "MissingResourceType"),
    ],
)
@pytest.mark.parametrize("action", ["TagResources", "UnTagResources"])
def test_what_cannot_be_tagged(cell: Cell, action: str, changes: dict[str, Any], code: str) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    named = {"ResourceType": "VPC", "ResourceId.1": vpc, **changes}
    refused = cell.refusal(action, **named, **tagged(k="v"), **{"TagKey.1": "k"})
    assert refused.code == code
    assert cell.call("DescribeTags")["TagResources"]["TagResource"] == []


def test_a_key_to_take_off_is_one_that_a_tag_can_have(cell: Cell) -> None:
    vpc = cell.call("CreateVpc")["VpcId"]
    refused = cell.refusal("UnTagResources", ResourceType="VPC", **{"ResourceId.1": vpc, "TagKey.1": "k" * 129})
    assert (refused.code, refused.detail.partition(" ")[0]) == ("InvalidParameter.TagKey", "TagKey.1")


def test_a_filter_needs_keys(cell: Cell) -> None:
    assert cell.refusal("DescribeVpcs", **{"Tag.1.Value": "v"}).code == "InvalidTagKey"
    many = {f"Tag.{n}.Key": f"k{n}" for n in range(1, 22)}
    assert cell.refusal("DescribeVpnGateways", **many).code == "SizeLimitExceeded.TagNum"
