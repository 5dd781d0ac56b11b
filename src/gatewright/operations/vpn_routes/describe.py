"""DescribeVpnRouteEntries, DescribeVpnPbrRouteEntries."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, OneOf, Operation, Parameter, Part, Request, Response
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.vpn_gateways.facts import NOT_FOUND as GATEWAY_NOT_FOUND
from gatewright.operations.vpn_gateways.facts import find_gateway
from gatewright.operations.vpn_routes.facts import BGP, CUSTOM, VpnGatewayId, is_dual, state_of
from gatewright.reconcile.vpn_routing import learning
from gatewright.resources.tunnel_states import TunnelStatus
from gatewright.store import tunnel_states, tunnels, vpn_policies, vpn_routes
from gatewright.store.gateways import GatewayView
from gatewright.store.tunnels import TunnelView
from gatewright.store.vpn_routes import VpnRouteRow


def _carrier(ends: Sequence[TunnelView]) -> str | None:
    """The tunnel that a connection's traffic takes: the master's, unless only the other one is up."""
    ordered = sorted(ends, key=lambda each: each.role)
    up = [each for each in ordered if each.status == TunnelStatus.IPSEC_SA_ESTABLISHED]
    return next((each.id for each in (*up, *ordered)), None)


def _carriers(call: Call, gateway: GatewayView, connection_ids: Sequence[str]) -> dict[str, str | None]:
    """The tunnels by connection. A connection with one tunnel is told without it."""
    if not is_dual(gateway):
        return {}
    found = tunnels.of_connections(call.transaction, sorted(set(connection_ids)))
    return {connection_id: _carrier(ends) for connection_id, ends in found.items()}


class DescribeVpnRouteEntriesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: VpnGatewayId
    route_entry_type: Annotated[str, Parameter(OneOf(CUSTOM, BGP))] = CUSTOM
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class VpnRouteCount(Part, kw_only=True):
    route_entry_type: str
    route_count: int


class VpnRouteCounts(Part, kw_only=True):
    vpn_route_count: list[VpnRouteCount]


class VpnRouteEntryPart(Part, kw_only=True):
    vpn_instance_id: str
    route_dest: str
    next_hop: str
    next_hop_tunnel_id: str | None = None
    #: Of what somebody made.
    weight: int | None = None
    state: str
    route_entry_type: str
    create_time: int
    #: Of what is learnt by BGP.
    as_path: str | None = None
    community: str | None = None


class VpnRouteEntryList(Part, kw_only=True):
    vpn_route_entry: list[VpnRouteEntryPart]


class DescribeVpnRouteEntriesResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vpn_route_counts: VpnRouteCounts
    vpn_route_entries: VpnRouteEntryList


class DescribeVpnRouteEntries(Operation[DescribeVpnRouteEntriesRequest, DescribeVpnRouteEntriesResponse]):
    """Page through a gateway's destination-based routes, newest first, or through what customers announce by BGP.

    ``NextHopTunnelId`` is told on a dual-tunnel gateway: the tunnel that carries, else the master's (*assumed*). With
    ``RouteEntryType=bgp`` there is an entry for each destination and tunnel that it is announced in, by destination;
    100 of a tunnel at the most, as its host told them last, within some seconds (*assumed*). It is ``published``
    while the VPC takes it by itself, ``CreateTime`` is since when it has been announced like this, and it has no weight
    (*assumed*).
    """

    access = Access.LIST
    errors = (GATEWAY_NOT_FOUND,)

    def execute(self, call: Call, request: DescribeVpnRouteEntriesRequest) -> DescribeVpnRouteEntriesResponse:
        gateway = find_gateway(call, request.vpn_gateway_id)
        number, size = request.page_number, request.page_size
        made = vpn_routes.count(call.transaction, gateway.id)
        if request.route_entry_type == BGP:
            every = _learnt(call, gateway)
            entries = every[(number - 1) * size : number * size]
            total = learnt = len(every)
        else:
            entries = _made(call, gateway, vpn_routes.page(call.transaction, gateway.id, number=number, size=size))
            total, learnt = made, tunnel_states.count_learned(call.transaction, gateway.id)
        counts = [VpnRouteCount(route_entry_type=CUSTOM, route_count=made)]
        if learnt:
            counts.append(VpnRouteCount(route_entry_type=BGP, route_count=learnt))
        return DescribeVpnRouteEntriesResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            vpn_route_counts=VpnRouteCounts(vpn_route_count=counts),
            vpn_route_entries=VpnRouteEntryList(vpn_route_entry=entries),
        )


def _made(call: Call, gateway: GatewayView, rows: Sequence[VpnRouteRow]) -> list[VpnRouteEntryPart]:
    carriers = _carriers(call, gateway, [row.connection_id for row in rows])
    return [
        VpnRouteEntryPart(
            vpn_instance_id=gateway.id,
            route_dest=row.destination,
            next_hop=row.connection_id,
            next_hop_tunnel_id=carriers.get(row.connection_id),
            weight=row.weight,
            state=state_of(row.published),
            route_entry_type=CUSTOM,
            create_time=row.created_at,
        )
        for row in rows
    ]


def _learnt(call: Call, gateway: GatewayView) -> list[VpnRouteEntryPart]:
    """What customers announce, by destination and tunnel."""
    found = [
        (IPv4Network(route.destination), row.id, row.connection_id, route)
        for row in tunnel_states.of_gateways(call.transaction, [gateway.id])
        for route in tunnel_states.learned_of(row)
    ]
    taken = (
        bool(found)
        and gateway.auto_propagate
        and bool(learning(call.transaction, [gateway.vpc_id])[gateway.vpc_id].tables)
    )
    return [
        VpnRouteEntryPart(
            vpn_instance_id=gateway.id,
            route_dest=route.destination,
            next_hop=connection_id,
            next_hop_tunnel_id=tunnel_id if is_dual(gateway) else None,
            state=state_of(taken),
            route_entry_type=BGP,
            create_time=route.at,
            as_path=route.as_path,
            community=route.community,
        )
        for _, tunnel_id, connection_id, route in sorted(found, key=lambda each: each[:2])
    ]


class DescribeVpnPbrRouteEntriesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: VpnGatewayId
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class VpnPbrRouteEntryPart(Part, kw_only=True):
    vpn_instance_id: str
    route_source: str
    route_dest: str
    next_hop: str
    next_hop_tunnel_id: str | None = None
    weight: int
    priority: int
    state: str
    create_time: int


class VpnPbrRouteEntryList(Part, kw_only=True):
    vpn_pbr_route_entry: list[VpnPbrRouteEntryPart]


class DescribeVpnPbrRouteEntriesResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vpn_pbr_route_entries: VpnPbrRouteEntryList


class DescribeVpnPbrRouteEntries(Operation[DescribeVpnPbrRouteEntriesRequest, DescribeVpnPbrRouteEntriesResponse]):
    """Page through a gateway's policy-based routes, newest first; those of ``AutoConfigRoute`` are among them.

    ``NextHopTunnelId`` is told on a dual-tunnel gateway: the tunnel that carries, else the master's (*assumed*).
    """

    access = Access.LIST
    errors = (GATEWAY_NOT_FOUND,)

    def execute(self, call: Call, request: DescribeVpnPbrRouteEntriesRequest) -> DescribeVpnPbrRouteEntriesResponse:
        gateway = find_gateway(call, request.vpn_gateway_id)
        told = vpn_policies.page(call.transaction, gateway.id, number=request.page_number, size=request.page_size)
        carriers = _carriers(call, gateway, [row.connection_id for row in told])
        return DescribeVpnPbrRouteEntriesResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=vpn_policies.count(call.transaction, gateway.id),
            vpn_pbr_route_entries=VpnPbrRouteEntryList(
                vpn_pbr_route_entry=[
                    VpnPbrRouteEntryPart(
                        vpn_instance_id=gateway.id,
                        route_source=row.source,
                        route_dest=row.destination,
                        next_hop=row.connection_id,
                        next_hop_tunnel_id=carriers.get(row.connection_id),
                        weight=row.weight,
                        priority=row.priority,
                        state=state_of(row.published),
                        create_time=row.created_at,
                    )
                    for row in told
                ]
            ),
        )
