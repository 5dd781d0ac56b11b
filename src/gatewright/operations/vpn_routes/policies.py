"""CreateVpnPbrRouteEntry, DeleteVpnPbrRouteEntry: routes by source and destination."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, Between, Operation, Parameter, Request, Response
from gatewright.operations.vpn_gateways.facts import NOT_FOUND as GATEWAY_NOT_FOUND
from gatewright.operations.vpn_gateways.updating import CONFIGURING
from gatewright.operations.vpn_routes.facts import (
    ALREADY_EXISTS,
    CONFLICT,
    DEFAULT_PRIORITY,
    NEXT_HOP_NOT_FOUND,
    OVERLAY,
    QUOTA_FULL,
    ROUTE_ERRORS,
    Description,
    NextHop,
    OverlayMode,
    Priority,
    RouteDest,
    RouteSource,
    VpnGatewayId,
    Weight,
    check_quota,
    find_next_hop,
    gateway_to_change,
    state_of,
)
from gatewright.operations.vpn_routes.finding import WhichPolicy, check_pair, find_policy
from gatewright.operations.vpn_routes.publishing import POLICY, GatewayRoutes, Owner
from gatewright.store import vpn_policies
from gatewright.store.vpn_policies import VpnPolicyRow


class CreateVpnPbrRouteEntryRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: VpnGatewayId
    route_source: RouteSource
    route_dest: RouteDest
    next_hop: NextHop
    weight: Weight
    publish_vpc: Annotated[bool, Parameter()]
    priority: Annotated[int, Parameter(Between(1, 100))] = DEFAULT_PRIORITY
    overlay_mode: OverlayMode = OVERLAY
    description: Description = ""
    client_token: ClientToken = None
    dry_run: Annotated[bool, Parameter()] = False


class CreateVpnPbrRouteEntryResponse(Response, kw_only=True):
    vpn_instance_id: str
    route_source: str
    route_dest: str
    next_hop: str
    weight: int
    priority: int
    state: str
    overlay_mode: str
    description: str
    create_time: int


class CreateVpnPbrRouteEntry(Operation[CreateVpnPbrRouteEntryRequest, CreateVpnPbrRouteEntryResponse]):
    """Lead what comes from one network and goes to another through an IPsec connection.

    Such routes go before those by destination; they are tried by priority, the smallest number first, not by the length
    of prefixes. Two of the same networks and priority are an active (weight 100) and a standby one (weight 0), through
    different connections. Routes of one connection to one destination from several sources share the VPC's entry when
    they are published (*assumed*). On a dual-tunnel gateway weights mean nothing: of two routes the older one is active
    (*assumed*).
    """

    access = Access.WRITE
    errors = (GATEWAY_NOT_FOUND, CONFIGURING, NEXT_HOP_NOT_FOUND, ALREADY_EXISTS, CONFLICT, QUOTA_FULL)

    def execute(self, call: Call, request: CreateVpnPbrRouteEntryRequest) -> CreateVpnPbrRouteEntryResponse:
        gateway = gateway_to_change(call, request.vpn_gateway_id)
        connection = find_next_hop(call, gateway, request.next_hop)
        known = GatewayRoutes(call, gateway)
        row = VpnPolicyRow(
            gateway_id=gateway.id,
            account_id=call.account_id,
            source=request.route_source,
            destination=request.route_dest,
            connection_id=connection.id,
            weight=request.weight,
            priority=request.priority,
            published=request.publish_vpc,
            automatic=False,
            description=request.description,
            created_at=call.now,
        )
        for other in known.policies:
            if (other.source, other.destination, other.connection_id) == (row.source, row.destination, connection.id):
                raise ALREADY_EXISTS(
                    "RouteDest", row.destination, f"has a route from {row.source} through {connection.id} already"
                )
        check_pair(known.policies, row)
        check_quota(known.policies, call.installation.quotas.vpn_routes, gateway, "policy-based routes")
        if row.published:
            known.publish(row.destination, Owner(POLICY, connection.id), QUOTA_FULL)
        vpn_policies.add(call.transaction, row)
        known.settle("a policy-based route is added")
        return CreateVpnPbrRouteEntryResponse(
            vpn_instance_id=gateway.id,
            route_source=row.source,
            route_dest=row.destination,
            next_hop=row.connection_id,
            weight=row.weight,
            priority=row.priority,
            state=state_of(row.published),
            overlay_mode=OVERLAY,
            description=row.description,
            create_time=row.created_at,
        )


class DeleteVpnPbrRouteEntryRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: VpnGatewayId
    route_source: RouteSource
    route_dest: RouteDest
    next_hop: NextHop
    weight: Weight
    priority: Priority = None
    overlay_mode: OverlayMode = OVERLAY
    client_token: ClientToken = None


class DeleteVpnPbrRouteEntryResponse(Response, kw_only=True):
    pass


class DeleteVpnPbrRouteEntry(Operation[DeleteVpnPbrRouteEntryRequest, DeleteVpnPbrRouteEntryResponse]):
    """Take a policy-based route away, whoever made it, and the VPC's entry with it if it was published."""

    access = Access.WRITE
    errors = ROUTE_ERRORS

    def execute(self, call: Call, request: DeleteVpnPbrRouteEntryRequest) -> DeleteVpnPbrRouteEntryResponse:
        known = GatewayRoutes(call, gateway_to_change(call, request.vpn_gateway_id))
        row = find_policy(
            known,
            WhichPolicy(request.route_source, request.route_dest, request.next_hop, request.weight, request.priority),
        )
        known.withdraw([row])
        vpn_policies.drop(call.transaction, row)
        known.settle("a policy-based route is deleted")
        return DeleteVpnPbrRouteEntryResponse()
