"""Ecs as Terraform asks it: regions, zones, what zones have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gatewright.operations.declaration import ALB, ECS
from gatewright.resources.regions import regions
from tests.support.cell import Cell, sqlite_url
from tests.support.client import Refused


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cell]:
    """One service for all tests: what they ask is answered without the database."""
    with Cell(sqlite_url(tmp_path_factory.mktemp("cell"))) as running:
        yield running


def call(cell: Cell, action: str, **parameters: Any) -> dict[str, Any]:
    return cell.call(action, ECS.version, **parameters)


def refusal(cell: Cell, action: str, **parameters: Any) -> Refused:
    return cell.refusal(action, version=ECS.version, **parameters)


def available(cell: Cell, **parameters: Any) -> list[dict[str, Any]]:
    asked = {"DestinationResource": "Zone", "IoOptimized": "optimized", "InstanceChargeType": "PostPaid", **parameters}
    zones: list[dict[str, Any]] = call(cell, "DescribeAvailableResource", **asked)["AvailableZones"]["AvailableZone"]
    return zones


def test_the_regions_are_those_of_vpc(cell: Cell) -> None:
    ours = call(cell, "DescribeRegions", AcceptLanguage="en-US", ResourceType="Instance")["Regions"]["Region"]
    vpcs = cell.call("DescribeRegions")["Regions"]["Region"]
    assert [(r["RegionId"], r["LocalName"]) for r in ours] == [(r["RegionId"], r["LocalName"]) for r in vpcs]
    assert {(region["RegionEndpoint"], region["Status"]) for region in ours} == {("gw.test", "available")}


@pytest.mark.parametrize("region", ["cn-hangzhou", "eu-central-1"])
@pytest.mark.parametrize("charge_type", ["PostPaid", "PrePaid"])
def test_terraform_finds_zones_for_vswitches(cell: Cell, region: str, charge_type: str) -> None:
    """What the data source ``alicloud_zones`` does with its two answers, step by step."""
    valid = {
        zone["ZoneId"]
        for zone in available(cell, RegionId=region, InstanceChargeType=charge_type, SpotStrategy="NoSpot")
        if zone["Status"] != "SoldOut"
    }
    described = call(cell, "DescribeZones", RegionId=region, InstanceChargeType=charge_type, SpotStrategy="NoSpot")[
        "Zones"
    ]["Zone"]
    found = [
        zone["ZoneId"]
        for zone in described
        if zone["ZoneId"] in valid
        and zone["AvailableInstanceTypes"]["InstanceTypes"]
        and "cloud_efficiency" in zone["AvailableDiskCategories"]["DiskCategories"]
        and "VSwitch" in zone["AvailableResourceCreation"]["ResourceTypes"]
    ]
    assert found == list(regions()[region].zones)
    vpc = cell.call("CreateVpc", RegionId=region, CidrBlock="10.0.0.0/8")["VpcId"]
    for number, zone in enumerate(found):
        cell.call("CreateVSwitch", RegionId=region, VpcId=vpc, ZoneId=zone, CidrBlock=f"10.{number}.0.0/24")


def test_zones_name_what_ecs_has_words_for(cell: Cell) -> None:
    zone = call(cell, "DescribeZones")["Zones"]["Zone"][0]
    assert (zone["ZoneId"], zone["ZoneType"]) == ("cn-hangzhou-k", "AvailabilityZone")
    (info,) = zone["AvailableResources"]["ResourcesInfo"]
    assert info["NetworkTypes"] == {"supportedNetworkCategory": ["vpc"]}
    assert info["InstanceTypes"] == {"supportedInstanceType": zone["AvailableInstanceTypes"]["InstanceTypes"]}
    assert info["SystemDiskCategories"] == {
        "supportedSystemDiskCategory": zone["AvailableDiskCategories"]["DiskCategories"]
    }
    assert zone["AvailableDedicatedHostTypes"] == {"DedicatedHostType": []}
    brief = call(cell, "DescribeZones", Verbose=False)["Zones"]["Zone"]
    assert brief[0] == {"ZoneId": "cn-hangzhou-k", "ZoneType": "AvailabilityZone", "LocalName": "cn-hangzhou-k"}
    assert [zone["ZoneId"] for zone in brief] == list(regions()["cn-hangzhou"].zones)


def test_available_zones_are_told_without_resources(cell: Cell) -> None:
    zones = available(cell)
    assert [zone["ZoneId"] for zone in zones] == list(regions()["cn-hangzhou"].zones)
    assert zones[0] == {
        "ZoneId": "cn-hangzhou-k",
        "RegionId": "cn-hangzhou",
        "Status": "Available",
        "StatusCategory": "WithStock",
    }
    assert [zone["ZoneId"] for zone in available(cell, ZoneId="cn-hangzhou-j")] == ["cn-hangzhou-j"]


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ({"DestinationResource": "InstanceType", "InstanceType": "ecs.g7.large"}, ["ecs.g7.large"]),
        ({"DestinationResource": "SystemDisk"}, ["cloud_efficiency", "cloud_ssd", "cloud_essd"]),
        (
            {"DestinationResource": "DataDisk", "DataDiskCategory": "cloud_ssd", "SystemDiskCategory": "cloud_essd"},
            ["cloud_ssd"],
        ),
        ({"DestinationResource": "Network"}, ["vpc"]),
        ({"DestinationResource": "IoOptimized"}, ["optimized"]),
    ],
)
def test_resources_of_a_kind_are_told(cell: Cell, asked: dict[str, str], values: list[str]) -> None:
    (zone,) = available(cell, ZoneId="cn-hangzhou-k", **asked)
    (resource,) = zone["AvailableResources"]["AvailableResource"]
    assert resource["Type"] == asked["DestinationResource"]
    assert resource["SupportedResources"]["SupportedResource"] == [
        {"Value": value, "Status": "Available", "StatusCategory": "WithStock"} for value in values
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"InstanceType": "ecs.d1.large"},
        {"IoOptimized": "none"},
        {"NetworkCategory": "Classic"},
        {"SystemDiskCategory": "cloud"},
        {"ZoneId": "cn-hangzhou-z"},
        {"ZoneId": "cn-shanghai-k"},
        {"DestinationResource": "ddh"},
        {"DestinationResource": "InstanceType", "InstanceType": "ecs.d1.large"},
    ],
)
def test_what_no_zone_has_is_an_empty_list(cell: Cell, asked: dict[str, str]) -> None:
    assert available(cell, **asked) == []


def test_the_case_of_a_network_does_not_matter(cell: Cell) -> None:
    assert available(cell, NetworkCategory="Vpc") == available(cell, NetworkCategory="vpc") == available(cell)


@pytest.mark.parametrize(
    ("action", "wrong", "status", "code", "message"),
    [
        (
            "DescribeRegions",
            {"AcceptLanguage": "tlh"},
            404,
            "InvalidAcceptLanguage.NotFound",
            "Only Chinese (zh-CN), English (en-US), and Japanese (ja) are allowed.",
        ),
        (
            "DescribeZones",
            {"RegionId": "nowhere"},
            404,
            "InvalidRegionId.NotFound",
            "The specified RegionId does not exist.",
        ),
        ("DescribeZones", {"RegionId": None}, 400, "MissingRegionId", "RegionId is mandatory for this action."),
        (
            "DescribeZones",
            {"InstanceChargeType": "Free"},
            404,
            "InvalidInstanceChargeType.NotFound",
            "The InstanceChargeType does not exist in our records",
        ),
        (
            "DescribeZones",
            {"SpotStrategy": "x"},
            400,
            "InvalidSpotStrategy",
            "The specified SpotStrategy is not valid.",
        ),
        (
            "DescribeAvailableResource",
            {"RegionId": "nowhere"},
            404,
            "InvalidRegionId.NotFound",
            "The RegionId provided does not exist in our records.",
        ),
        (
            "DescribeAvailableResource",
            {"DestinationResource": "Everything"},
            404,
            "Invalid.DestinationResource",
            "The specified DestinationResource is not valid.",
        ),
        (
            "DescribeAvailableResource",
            {"DestinationResource": None},
            400,
            "MissingDestinationResource",
            "DestinationResource is mandatory for this action.",
        ),
        (
            "DescribeAvailableResource",
            {"IoOptimized": "x"},
            404,
            "Invalid.IoOptimized",
            "The specified IoOptimized is not valid.",
        ),
        (
            "DescribeAvailableResource",
            {"NetworkCategory": "x"},
            404,
            "Invalid.NetworkCategory",
            "The specified NetworkCategory is not valid.",
        ),
        (
            "DescribeAvailableResource",
            {"Cores": 2},
            400,
            "UnsupportedOperation",
            "The specified operation is not supported.",
        ),
    ],
)
def test_wrong_parameters_are_refused_with_their_own_rows(
    cell: Cell, action: str, wrong: dict[str, Any], status: int, code: str, message: str
) -> None:
    asked = {"DestinationResource": "Zone", **wrong}
    refused = refusal(cell, action, **asked)
    assert (refused.status, refused.code, refused.message) == (status, code, message)
    assert refused.detail.startswith(next(iter(wrong)))


def test_the_zones_of_alb_are_a_plain_list(cell: Cell) -> None:
    zones = cell.call("DescribeZones", ALB.version, AcceptLanguage="en-US")["Zones"]
    assert [zone["ZoneId"] for zone in zones] == list(regions()["cn-hangzhou"].zones)
    assert set(zones[0]) == {"ZoneId", "LocalName"}
    elsewhere = cell.call("DescribeZones", ALB.version, RegionId="eu-central-1")["Zones"]
    assert [zone["ZoneId"] for zone in elsewhere] == list(regions()["eu-central-1"].zones)
    assert cell.call("DescribeZones", ALB.version, RegionId=None)["Zones"] == zones
    refused = cell.refusal("DescribeZones", version=ALB.version, RegionId="nowhere")
    assert (refused.status, refused.code) == (404, "InvalidRegionId.NotFound")


def test_operations_of_one_name_are_told_apart_by_version(cell: Cell) -> None:
    assert "ZoneType" in cell.call("DescribeZones")["Zones"]["Zone"][0]
    assert "AvailableInstanceTypes" in call(cell, "DescribeZones")["Zones"]["Zone"][0]
    assert isinstance(cell.call("DescribeZones", ALB.version)["Zones"], list)
