"""Ecs DescribeRegions."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.declaration import ECS, Access, OneOf, Operation, Parameter, Part, Request, Response
from gatewright.operations.ecs.offer import CHARGE_TYPES, LANGUAGE_NOT_FOUND, SPOT_STRATEGIES


class DescribeRegionsRequest(Request, kw_only=True, frozen=True):
    accept_language: Annotated[
        str | None, Parameter(OneOf("zh-CN", "zh-TW", "en-US", "ja", "fr", "de", "ko", error=LANGUAGE_NOT_FOUND))
    ] = None
    instance_charge_type: Annotated[str | None, Parameter(OneOf(*CHARGE_TYPES, *SPOT_STRATEGIES[1:]))] = None
    resource_type: Annotated[
        str | None, Parameter(OneOf("instance", "disk", "reservedinstance", "scu", any_case=True))
    ] = None


class RegionPart(Part, kw_only=True):
    region_id: str
    local_name: str
    region_endpoint: str
    status: str


class RegionList(Part, kw_only=True):
    region: list[RegionPart]


class DescribeRegionsResponse(Response, kw_only=True):
    regions: RegionList


class DescribeRegions(Operation[DescribeRegionsRequest, DescribeRegionsResponse]):
    """List the regions, all of them ``available`` for whatever is asked.

    ``LocalName`` is in English whatever language is asked for (*assumed*). ``RegionEndpoint`` is the host and port of
    this very request, since every region is served there (*assumed*).
    """

    product = ECS
    access = Access.LIST
    errors = (LANGUAGE_NOT_FOUND,)

    def execute(self, call: Call, request: DescribeRegionsRequest) -> DescribeRegionsResponse:
        return DescribeRegionsResponse(
            regions=RegionList(
                region=[
                    RegionPart(
                        region_id=region.id,
                        local_name=region.local_name,
                        region_endpoint=call.endpoint,
                        status="available",
                    )
                    for region in call.installation.regions.values()
                ]
            )
        )
