"""PublishVpnRouteEntry."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, OneOf, Operation, Parameter, Request, Response, Satisfies
from gatewright.operations.vpn_routes.facts import (
    CONFLICT,
    ROUTE_ERRORS,
    ROUTE_NOT_FOUND,
    NextHop,
    RouteDest,
    VpnGatewayId,
    gateway_to_change,
    is_source,
)
from gatewright.operations.vpn_routes.publishing import DESTINATION, POLICY, GatewayRoutes, Owner
from gatewright.store import vpn_policies, vpn_routes
from gatewright.store.vpn_policies import VpnPolicyRow
from gatewright.store.vpn_routes import VpnRouteRow

TABLE_FULL = ErrorRow(
    400,
    "Resource.QuotaFull",
    "The quota of resource is full.",
    "Delete custom entries of the VPC's system route table that are not used.",
)


class PublishVpnRouteEntryRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: VpnGatewayId
    route_dest: RouteDest
    next_hop: NextHop
    publish_vpc: Annotated[bool, Parameter()]
    route_type: Annotated[str, Parameter(OneOf(POLICY, DESTINATION))]
    route_source: Annotated[str | None, Parameter(Satisfies(is_source, "must be a network such as 10.0.0.0/24"))] = None
    client_token: ClientToken = None


class PublishVpnRouteEntryResponse(Response, kw_only=True):
    pass


class PublishVpnRouteEntry(Operation[PublishVpnRouteEntryRequest, PublishVpnRouteEntryResponse]):
    """Put a route into the system route table of the gateway's VPC, or take it out again.

    The VPC's entry leads to the gateway, so its destination has one: neither a standby route nor one of the other kind
    can be published beside it. All policy-based routes of the connection to the destination are meant, unless
    ``RouteSource`` says which (*assumed*). What is published already stays so, without an error (*assumed*).
    """

    access = Access.WRITE
    errors = (*ROUTE_ERRORS, CONFLICT, TABLE_FULL)

    def execute(self, call: Call, request: PublishVpnRouteEntryRequest) -> PublishVpnRouteEntryResponse:
        known = GatewayRoutes(call, gateway_to_change(call, request.vpn_gateway_id))
        wanted = request.publish_vpc
        rows: list[VpnRouteRow | VpnPolicyRow] = []
        if request.route_type == DESTINATION:
            rows += known.routes
        else:
            rows += [row for row in known.policies if request.route_source in (None, row.source)]
        meant = [row for row in rows if (row.destination, row.connection_id) == (request.route_dest, request.next_hop)]
        if not meant:
            raise ROUTE_NOT_FOUND(
                "RouteDest", request.route_dest, f"is the destination of no such route of {known.gateway.id}"
            )
        changing = [row for row in meant if row.published != wanted]
        if not changing:
            return PublishVpnRouteEntryResponse()
        if wanted:
            known.publish(request.route_dest, Owner(request.route_type, request.next_hop), TABLE_FULL)
        else:
            known.withdraw(changing)
        for row in changing:
            if isinstance(row, VpnRouteRow):
                vpn_routes.change(call.transaction, row, msgspec.structs.replace(row, published=wanted))
            else:
                vpn_policies.change(call.transaction, row, msgspec.structs.replace(row, published=wanted))
        known.settle("a route is published" if wanted else "a route is withdrawn from the VPC")
        return PublishVpnRouteEntryResponse()
