"""Alb DescribeZones: Terraform's ``alicloud_alb_zones`` picks zones for the vSwitches of a gateway with it."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.declaration import ALB, Access, OneOf, Operation, Parameter, Part, Request, Response


class DescribeZonesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str | None, Parameter()] = None
    accept_language: Annotated[str | None, Parameter(OneOf("zh-CN", "en-US", "ja"))] = None


class ZonePart(Part, kw_only=True):
    zone_id: str
    local_name: str


class DescribeZonesResponse(Response, kw_only=True):
    zones: list[ZonePart]


class DescribeZones(Operation[DescribeZonesRequest, DescribeZonesResponse]):
    """List the zones of a region, those with VPN gateways first.

    Without ``RegionId``, which the real service takes from its address, it is the installation's default region
    (*assumed*). ``LocalName`` is the zone's id whatever language is asked for (*assumed*).
    """

    product = ALB
    access = Access.LIST

    def execute(self, call: Call, request: DescribeZonesRequest) -> DescribeZonesResponse:
        return DescribeZonesResponse(zones=[ZonePart(zone_id=zone, local_name=zone) for zone in call.region.zones])


OPERATIONS = (DescribeZones,)
