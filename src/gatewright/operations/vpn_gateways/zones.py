"""DescribeVpnGatewayAvailableZones."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, OneOf, Operation, Parameter, Part, Request, Response
from gatewright.operations.vpn_gateways.facts import ENHANCED, TRADITIONAL
from gatewright.store import capacities

_SPECS = ("5M", "10M", "20M", "50M", "100M", "200M", "500M", "1000M")


class DescribeVpnGatewayAvailableZonesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    spec: Annotated[str | None, Parameter(OneOf(*_SPECS))] = None
    gateway_type: Annotated[str, Parameter(OneOf(TRADITIONAL, ENHANCED))] = TRADITIONAL
    accept_language: Annotated[str, Parameter(OneOf("zh-CN", "en-US"))] = "en-US"


class AvailableZonePart(Part, kw_only=True):
    zone_id: str
    zone_name: str


class DescribeVpnGatewayAvailableZonesResponse(Response, kw_only=True):
    region_id: str
    available_zone_id_list: list[AvailableZonePart]


class DescribeVpnGatewayAvailableZones(
    Operation[DescribeVpnGatewayAvailableZonesRequest, DescribeVpnGatewayAvailableZonesResponse]
):
    """List the zones of a region that a gateway can be placed in now.

    A zone without room for another gateway's instances is left out, and none is left where the region offers no
    bandwidth as large as ``Spec`` (*assumed*). Gateways of the type ``Enhanced.SiteToSite`` have two tunnels, and
    are where gateways of a region have two (*assumed*). A zone's name is its id.
    """

    access = Access.LIST

    def execute(
        self, call: Call, request: DescribeVpnGatewayAvailableZonesRequest
    ) -> DescribeVpnGatewayAvailableZonesResponse:
        zones = call.region.gateway_zones
        largest = max(call.region.public_bandwidths + call.region.private_bandwidths)
        nowhere = request.gateway_type == ENHANCED and not call.region.dual_tunnel
        if nowhere or (request.spec and int(request.spec[:-1]) > largest):
            zones = ()
        free = capacities.free(call.transaction, call.region.id)
        # Where a region has one zone, both instances of a gateway go there.
        needed = 2 if call.region.dual_tunnel and len(call.region.gateway_zones) == 1 else 1
        return DescribeVpnGatewayAvailableZonesResponse(
            region_id=call.region.id,
            available_zone_id_list=[
                AvailableZonePart(zone_id=zone, zone_name=zone) for zone in zones if free.get(zone, needed) >= needed
            ],
        )
