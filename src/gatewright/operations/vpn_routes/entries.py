"""CreateVpnRouteEntry, DeleteVpnRouteEntry, ModifyVpnRouteEntryWeight: routes by destination."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, Operation, Parameter, Request, Response
from gatewright.operations.vpn_gateways.facts import NOT_FOUND as GATEWAY_NOT_FOUND
from gatewright.operations.vpn_gateways.updating import CONFIGURING
from gatewright.operations.vpn_routes.facts import (
    ALREADY_EXISTS,
    CONFLICT,
    NEXT_HOP_NOT_FOUND,
    OVERLAY,
    QUOTA_FULL,
    ROUTE_ERRORS,
    ROUTE_NOT_FOUND,
    Description,
    NextHop,
    OverlayMode,
    RouteDest,
    VpnGatewayId,
    Weight,
    check_quota,
    find_next_hop,
    gateway_to_change,
    is_dual,
    state_of,
)
from gatewright.operations.vpn_routes.publishing import DESTINATION, GatewayRoutes, Owner
from gatewright.store import vpn_routes
from gatewright.store.vpn_routes import VpnRouteRow


class CreateVpnRouteEntryRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: VpnGatewayId
    route_dest: RouteDest
    next_hop: NextHop
    weight: Weight
    publish_vpc: Annotated[bool, Parameter()]
    overlay_mode: OverlayMode = OVERLAY
    description: Description = ""
    client_token: ClientToken = None
    dry_run: Annotated[bool, Parameter()] = False


class CreateVpnRouteEntryResponse(Response, kw_only=True):
    vpn_instance_id: str
    route_dest: str
    next_hop: str
    weight: int
    state: str
    overlay_mode: str
    description: str
    create_time: int


class CreateVpnRouteEntry(Operation[CreateVpnRouteEntryRequest, CreateVpnRouteEntryResponse]):
    """Lead a destination through an IPsec connection, and tell the VPC's system route table if that is wanted.

    Of several destinations the longest prefix counts. A destination has one route, or an active one (weight 100) and a
    standby one (weight 0) through another connection, of which one can be published. A connection of either mode can be
    the next hop. On a dual-tunnel gateway weights mean nothing: of two routes the older one is active (*assumed*).
    Nothing within 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16 and 224.0.0.0/3 is a destination (*assumed*).
    """

    access = Access.WRITE
    errors = (GATEWAY_NOT_FOUND, CONFIGURING, NEXT_HOP_NOT_FOUND, ALREADY_EXISTS, CONFLICT, QUOTA_FULL)

    def execute(self, call: Call, request: CreateVpnRouteEntryRequest) -> CreateVpnRouteEntryResponse:
        gateway = gateway_to_change(call, request.vpn_gateway_id)
        connection = find_next_hop(call, gateway, request.next_hop)
        known = GatewayRoutes(call, gateway)
        beside = [other for other in known.routes if other.destination == request.route_dest]
        if any(other.connection_id == connection.id for other in beside):
            raise ALREADY_EXISTS("RouteDest", request.route_dest, f"has a route through {connection.id} already")
        for other in beside:
            if other.weight == request.weight:
                raise CONFLICT(
                    "Weight", request.weight, f"is that of the route to {other.destination} by {other.connection_id}"
                )
        check_quota(known.routes, call.installation.quotas.vpn_routes, gateway, "destination-based routes")
        if request.publish_vpc:
            known.publish(request.route_dest, Owner(DESTINATION, connection.id), QUOTA_FULL)
        row = VpnRouteRow(
            gateway_id=gateway.id,
            account_id=call.account_id,
            destination=request.route_dest,
            connection_id=connection.id,
            weight=request.weight,
            published=request.publish_vpc,
            description=request.description,
            created_at=call.now,
        )
        vpn_routes.add(call.transaction, row)
        known.settle("a route is added")
        return CreateVpnRouteEntryResponse(
            vpn_instance_id=gateway.id,
            route_dest=row.destination,
            next_hop=row.connection_id,
            weight=row.weight,
            state=state_of(row.published),
            overlay_mode=OVERLAY,
            description=row.description,
            create_time=row.created_at,
        )


def _find(known: GatewayRoutes, destination: str, connection_id: str, weight: int) -> VpnRouteRow:
    """The route that is meant. Raises InvalidRouteEntry.NotFound."""
    for row in known.routes:
        if (row.destination, row.connection_id) == (destination, connection_id):
            if row.weight == weight:
                return row
            raise ROUTE_NOT_FOUND("Weight", weight, f"is not that of the route, which has {row.weight}")
    raise ROUTE_NOT_FOUND(
        "RouteDest", destination, f"is the destination of no route of {known.gateway.id} through {connection_id}"
    )


class DeleteVpnRouteEntryRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: VpnGatewayId
    route_dest: RouteDest
    next_hop: NextHop
    weight: Weight
    overlay_mode: OverlayMode = OVERLAY
    client_token: ClientToken = None


class DeleteVpnRouteEntryResponse(Response, kw_only=True):
    pass


class DeleteVpnRouteEntry(Operation[DeleteVpnRouteEntryRequest, DeleteVpnRouteEntryResponse]):
    """Take a destination-based route away, and the VPC's entry with it if it was published."""

    access = Access.WRITE
    errors = ROUTE_ERRORS

    def execute(self, call: Call, request: DeleteVpnRouteEntryRequest) -> DeleteVpnRouteEntryResponse:
        known = GatewayRoutes(call, gateway_to_change(call, request.vpn_gateway_id))
        row = _find(known, request.route_dest, request.next_hop, request.weight)
        known.withdraw([row])
        vpn_routes.drop(call.transaction, row)
        known.settle("a route is deleted")
        return DeleteVpnRouteEntryResponse()


class ModifyVpnRouteEntryWeightRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: VpnGatewayId
    route_dest: RouteDest
    next_hop: NextHop
    weight: Weight
    new_weight: Weight
    overlay_mode: OverlayMode = OVERLAY
    client_token: ClientToken = None


class ModifyVpnRouteEntryWeightResponse(Response, kw_only=True):
    pass


class ModifyVpnRouteEntryWeight(Operation[ModifyVpnRouteEntryWeightRequest, ModifyVpnRouteEntryWeightResponse]):
    """Make an active route a standby one, or the reverse. Of a pair one has to be deleted before.

    On a dual-tunnel gateway the weight is told as it was set, and changes nothing else (*assumed*).
    """

    access = Access.WRITE
    errors = (*ROUTE_ERRORS, CONFLICT)

    def execute(self, call: Call, request: ModifyVpnRouteEntryWeightRequest) -> ModifyVpnRouteEntryWeightResponse:
        known = GatewayRoutes(call, gateway_to_change(call, request.vpn_gateway_id))
        row = _find(known, request.route_dest, request.next_hop, request.weight)
        if request.new_weight == row.weight:
            return ModifyVpnRouteEntryWeightResponse()
        for other in known.routes:
            if other.destination == row.destination and other.connection_id != row.connection_id:
                raise CONFLICT(
                    "RouteDest", row.destination, f"has a second route, through {other.connection_id}: delete one first"
                )
        vpn_routes.change(call.transaction, row, msgspec.structs.replace(row, weight=request.new_weight))
        if not is_dual(known.gateway):
            known.settle("a route's weight changes")
        return ModifyVpnRouteEntryWeightResponse()
