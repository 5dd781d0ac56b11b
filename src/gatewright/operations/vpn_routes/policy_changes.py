"""ModifyVpnPbrRouteEntryAttribute, ModifyVpnPbrRouteEntryPriority, ModifyVpnPbrRouteEntryWeight."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, Between, Operation, Parameter, Request, Response
from gatewright.operations.vpn_routes.facts import (
    CONFLICT,
    OVERLAY,
    ROUTE_ERRORS,
    NewWeight,
    NextHop,
    OverlayMode,
    Priority,
    RouteDest,
    RouteSource,
    VpnGatewayId,
    Weight,
    gateway_to_change,
    is_dual,
)
from gatewright.operations.vpn_routes.finding import WhichPolicy, alike, check_pair, find_policy
from gatewright.operations.vpn_routes.publishing import GatewayRoutes
from gatewright.store import vpn_policies


def _change(call: Call, gateway_id: str, which: WhichPolicy, weight: int | None, priority: int | None) -> None:
    """Change the weight or the priority of a route; what is None stays. Raises ApiError."""
    known = GatewayRoutes(call, gateway_to_change(call, gateway_id))
    row = find_policy(known, which)
    changed = msgspec.structs.replace(
        row,
        weight=row.weight if weight is None else weight,
        priority=row.priority if priority is None else priority,
    )
    if changed == row:
        return
    other = next(iter(alike(known.policies, row)), None)
    if changed.weight != row.weight and other is not None:
        raise CONFLICT(
            "RouteDest",
            row.destination,
            f"has a second route from {row.source}, through {other.connection_id}: delete one first",
        )
    check_pair(known.policies, changed)
    vpn_policies.change(call.transaction, row, changed)
    if changed.priority != row.priority or not is_dual(known.gateway):
        known.settle("a policy-based route changes")


class ModifyVpnPbrRouteEntryAttributeRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: VpnGatewayId
    route_source: RouteSource
    route_dest: RouteDest
    next_hop: NextHop
    weight: Weight
    priority: Annotated[int, Parameter(Between(1, 100))]
    new_weight: NewWeight = None
    new_priority: Priority = None
    client_token: ClientToken = None


class ModifyVpnPbrRouteEntryAttributeResponse(Response, kw_only=True):
    pass


class ModifyVpnPbrRouteEntryAttribute(
    Operation[ModifyVpnPbrRouteEntryAttributeRequest, ModifyVpnPbrRouteEntryAttributeResponse]
):
    """Change the weight and the priority of a policy-based route. What is not given stays.

    The weight of one of a pair is changed after the other has been deleted. On a dual-tunnel gateway it is told as it
    was set, and changes nothing else (*assumed*).
    """

    access = Access.WRITE
    errors = (*ROUTE_ERRORS, CONFLICT)

    def execute(
        self, call: Call, request: ModifyVpnPbrRouteEntryAttributeRequest
    ) -> ModifyVpnPbrRouteEntryAttributeResponse:
        which = WhichPolicy(
            request.route_source, request.route_dest, request.next_hop, request.weight, request.priority
        )
        _change(call, request.vpn_gateway_id, which, request.new_weight, request.new_priority)
        return ModifyVpnPbrRouteEntryAttributeResponse()


class ModifyVpnPbrRouteEntryPriorityRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: VpnGatewayId
    route_source: RouteSource
    route_dest: RouteDest
    next_hop: NextHop
    weight: Weight
    new_priority: Annotated[int, Parameter(Between(1, 100))]
    priority: Priority = None
    client_token: ClientToken = None


class ModifyVpnPbrRouteEntryPriorityResponse(Response, kw_only=True):
    pass


class ModifyVpnPbrRouteEntryPriority(
    Operation[ModifyVpnPbrRouteEntryPriorityRequest, ModifyVpnPbrRouteEntryPriorityResponse]
):
    """Change the priority of a policy-based route: when it is tried, the smallest number first."""

    access = Access.WRITE
    errors = (*ROUTE_ERRORS, CONFLICT)

    def execute(
        self, call: Call, request: ModifyVpnPbrRouteEntryPriorityRequest
    ) -> ModifyVpnPbrRouteEntryPriorityResponse:
        which = WhichPolicy(
            request.route_source, request.route_dest, request.next_hop, request.weight, request.priority
        )
        _change(call, request.vpn_gateway_id, which, None, request.new_priority)
        return ModifyVpnPbrRouteEntryPriorityResponse()


class ModifyVpnPbrRouteEntryWeightRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: VpnGatewayId
    route_source: RouteSource
    route_dest: RouteDest
    next_hop: NextHop
    weight: Weight
    new_weight: Weight
    priority: Priority = None
    overlay_mode: OverlayMode = OVERLAY
    client_token: ClientToken = None


class ModifyVpnPbrRouteEntryWeightResponse(Response, kw_only=True):
    pass


class ModifyVpnPbrRouteEntryWeight(
    Operation[ModifyVpnPbrRouteEntryWeightRequest, ModifyVpnPbrRouteEntryWeightResponse]
):
    """Make an active policy-based route a standby one, or the reverse. Of a pair one has to be deleted before.

    On a dual-tunnel gateway the weight is told as it was set, and changes nothing else (*assumed*).
    """

    access = Access.WRITE
    errors = (*ROUTE_ERRORS, CONFLICT)

    def execute(self, call: Call, request: ModifyVpnPbrRouteEntryWeightRequest) -> ModifyVpnPbrRouteEntryWeightResponse:
        which = WhichPolicy(
            request.route_source, request.route_dest, request.next_hop, request.weight, request.priority
        )
        _change(call, request.vpn_gateway_id, which, request.new_weight, None)
        return ModifyVpnPbrRouteEntryWeightResponse()
