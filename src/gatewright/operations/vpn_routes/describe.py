"""DescribeVpnRouteEntries, DescribeVpnPbrRouteEntries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, OneOf, Operation, Parameter, Part, Request, Response
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.vpn_gateways.facts import NOT_FOUND as GATEWAY_NOT_FOUND
from gatewright.operations.vpn_gateways.facts import find_gateway
from gatewright.operations.vpn_routes.facts import VpnGatewayId, is_dual, state_of
from gatewright.resources.tunnel_states import TunnelStatus
from gatewright.store import tunnels, vpn_policies, vpn_routes
from gatewright.store.gateways import GatewayView
from gatewright.store.tunnels import TunnelView

#: ``RouteEntryType``: made by people, and learnt from customers.
CUSTOM, BGP = "custom", "bgp"
Row = TypeVar("Row")


def _page(rows: Sequence[Row], number: int, size: int) -> Sequence[Row]:
    """A page of a list that is told newest first."""
    newest_first = rows[::-1]
    return newest_first[(number - 1) * size : number * size]


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
    weight: int
    state: str
    route_entry_type: str
    create_time: int


class VpnRouteEntryList(Part, kw_only=True):
    vpn_route_entry: list[VpnRouteEntryPart]


class DescribeVpnRouteEntriesResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vpn_route_counts: VpnRouteCounts
    vpn_route_entries: VpnRouteEntryList


class DescribeVpnRouteEntries(Operation[DescribeVpnRouteEntriesRequest, DescribeVpnRouteEntriesResponse]):
    """Page through a gateway's destination-based routes, newest first.

    ``NextHopTunnelId`` is told on a dual-tunnel gateway: the tunnel that carries, else the master's (*assumed*). What
    is learnt by BGP is not told yet: with ``RouteEntryType=bgp`` there are no entries.
    """

    access = Access.LIST
    errors = (GATEWAY_NOT_FOUND,)

    def execute(self, call: Call, request: DescribeVpnRouteEntriesRequest) -> DescribeVpnRouteEntriesResponse:
        gateway = find_gateway(call, request.vpn_gateway_id)
        rows = vpn_routes.of_gateways(call.transaction, [gateway.id])
        listed = rows if request.route_entry_type == CUSTOM else []
        told = _page(listed, request.page_number, request.page_size)
        carriers = _carriers(call, gateway, [row.connection_id for row in told])
        return DescribeVpnRouteEntriesResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=len(listed),
            vpn_route_counts=VpnRouteCounts(
                vpn_route_count=[VpnRouteCount(route_entry_type=CUSTOM, route_count=len(rows))]
            ),
            vpn_route_entries=VpnRouteEntryList(
                vpn_route_entry=[
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
                    for row in told
                ]
            ),
        )


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
        rows = vpn_policies.of_gateways(call.transaction, [gateway.id])
        told = _page(rows, request.page_number, request.page_size)
        carriers = _carriers(call, gateway, [row.connection_id for row in told])
        return DescribeVpnPbrRouteEntriesResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=len(rows),
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
