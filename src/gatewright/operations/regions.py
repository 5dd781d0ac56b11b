"""DescribeRegions, DescribeZones: the catalogue as the API tells it."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, OneOf, Operation, Parameter, Part, Request, Response


class DescribeRegionsRequest(Request, kw_only=True, frozen=True):
    accept_language: Annotated[str | None, Parameter(OneOf("zh-CN", "en-US"))] = None
    product_type: Annotated[str | None, Parameter()] = None


class RegionPart(Part, kw_only=True):
    region_id: str
    local_name: str
    region_endpoint: str


class RegionList(Part, kw_only=True):
    region: list[RegionPart]


class DescribeRegionsResponse(Response, kw_only=True):
    regions: RegionList


class DescribeRegions(Operation[DescribeRegionsRequest, DescribeRegionsResponse]):
    """List the regions. ``LocalName`` is in English whatever language is asked for (*assumed*)."""

    access = Access.LIST

    def execute(self, call: Call, request: DescribeRegionsRequest) -> DescribeRegionsResponse:
        return DescribeRegionsResponse(
            regions=RegionList(
                region=[
                    RegionPart(
                        region_id=region.id,
                        local_name=region.local_name,
                        region_endpoint=f"vpc.{region.id}.aliyuncs.com",
                    )
                    for region in call.installation.regions.values()
                ]
            )
        )


class DescribeZonesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    accept_language: Annotated[str | None, Parameter(OneOf("zh-cn", "en-us", "ja"))] = None
    zone_type: Annotated[str, Parameter()] = "AvailabilityZone"


class ZonePart(Part, kw_only=True):
    zone_id: str
    local_name: str
    zone_type: str


class ZoneList(Part, kw_only=True):
    zone: list[ZonePart]


class DescribeZonesResponse(Response, kw_only=True):
    zones: ZoneList


class DescribeZones(Operation[DescribeZonesRequest, DescribeZonesResponse]):
    """List the zones of a region, those with VPN gateways first. All are of the type ``AvailabilityZone``."""

    access = Access.LIST

    def execute(self, call: Call, request: DescribeZonesRequest) -> DescribeZonesResponse:
        zones = call.region.zones if request.zone_type == "AvailabilityZone" else ()
        return DescribeZonesResponse(
            zones=ZoneList(
                zone=[ZonePart(zone_id=zone, local_name=zone, zone_type="AvailabilityZone") for zone in zones]
            )
        )


OPERATIONS = (DescribeRegions, DescribeZones)
