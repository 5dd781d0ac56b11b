"""Regions, zones, and who asks."""

from __future__ import annotations

from tests.support.cell import ACCOUNT, Cell


def test_regions_zones_and_identity(cell: Cell) -> None:
    regions = cell.call("DescribeRegions")["Regions"]["Region"]
    assert "cn-hangzhou" in {region["RegionId"] for region in regions}
    zones = cell.call("DescribeZones", RegionId="cn-hangzhou")["Zones"]["Zone"]
    assert zones[0]["ZoneId"] == "cn-hangzhou-k"
    assert [zone["ZoneId"] for zone in zones][-3:] == ["cn-hangzhou-b", "cn-hangzhou-e", "cn-hangzhou-f"]
    identity = cell.call("GetCallerIdentity", version="2015-04-01")
    assert (identity["AccountId"], identity["Arn"]) == (ACCOUNT, f"acs:ram::{ACCOUNT}:root")
