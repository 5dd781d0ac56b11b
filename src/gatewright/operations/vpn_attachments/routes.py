"""Routes of attachments: CreateVcoRouteEntry, DeleteVcoRouteEntry and their siblings."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, OneOf, Operation, Parameter, Part, Request, Response
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.vpn_connections.facts import NOT_FOUND, find_attachment
from gatewright.operations.vpn_routes.facts import (
    ALREADY_EXISTS,
    BGP,
    CUSTOM,
    NEXT_HOP_NOT_FOUND,
    OVERLAY,
    PUBLISHED,
    ROUTE_NOT_FOUND,
    Description,
    NextHop,
    OverlayMode,
    RouteDest,
    Weight,
)
from gatewright.store import vco_routes
from gatewright.store.connections import ConnectionView
from gatewright.store.vco_routes import VcoRouteRow

QUOTA_FULL = ErrorRow(
    400,
    "Resource.QuotaFull",
    "The quota of resource is full",
    "Delete routes of the attachment that are not used, or raise the quota (GATEWRIGHT_QUOTA_VPN_ROUTES).",
)


def _attachment(call: Call, connection_id: str, next_hop: str) -> ConnectionView:
    """The attachment that a route is of, which is its next hop. Raises InvalidVpnConnectionInstanceId.NotFound."""
    row = find_attachment(call, connection_id)
    if next_hop != row.id:
        raise NEXT_HOP_NOT_FOUND("NextHop", next_hop, f"is not {row.id}, whose route it is")
    return row


def _find(call: Call, attachment: ConnectionView, destination: str, weight: int) -> VcoRouteRow:
    """The route that is meant. Raises InvalidRouteEntry.NotFound."""
    for row in vco_routes.of_attachment(call.transaction, attachment.id):
        if row.destination == destination:
            if row.weight == weight:
                return row
            raise ROUTE_NOT_FOUND("Weight", weight, f"is not that of the route, which has {row.weight}")
    raise ROUTE_NOT_FOUND("RouteDest", destination, f"is the destination of no route of {attachment.id}")


class CreateVcoRouteEntryRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]
    route_dest: RouteDest
    next_hop: NextHop
    weight: Weight
    overlay_mode: OverlayMode = OVERLAY
    description: Description = ""
    dry_run: Annotated[bool, Parameter()] = False
    client_token: ClientToken = None


class CreateVcoRouteEntryResponse(Response, kw_only=True):
    vpn_connection_id: str
    route_dest: str
    next_hop: str
    weight: int
    state: str
    overlay_mode: str
    description: str
    create_time: int


class CreateVcoRouteEntry(Operation[CreateVcoRouteEntryRequest, CreateVcoRouteEntryResponse]):
    """Lead a destination through an attachment, which is also its next hop.

    The route is stored and told, but carries nothing, because nothing carries an attachment here; that it is
    ``published`` is the only word that there is for one (*assumed*). Older documentation wants the attachment to be
    attached to a transit router first, the current one does not. A destination has one route (*assumed*); its weight
    means nothing. An attachment has as many as a gateway may have of a kind (*assumed*).
    """

    access = Access.WRITE
    errors = (NOT_FOUND, NEXT_HOP_NOT_FOUND, ALREADY_EXISTS, QUOTA_FULL)

    def execute(self, call: Call, request: CreateVcoRouteEntryRequest) -> CreateVcoRouteEntryResponse:
        attachment = _attachment(call, request.vpn_connection_id, request.next_hop)
        beside = vco_routes.of_attachment(call.transaction, attachment.id)
        if any(other.destination == request.route_dest for other in beside):
            raise ALREADY_EXISTS("RouteDest", request.route_dest, f"has a route through {attachment.id} already")
        quota = call.installation.quotas.vpn_routes
        if len(beside) >= quota:
            raise QUOTA_FULL("VpnConnectionId", attachment.id, f"has its {quota} routes already")
        row = VcoRouteRow(
            connection_id=attachment.id,
            account_id=call.account_id,
            destination=request.route_dest,
            weight=request.weight,
            description=request.description,
            created_at=call.now,
        )
        vco_routes.add(call.transaction, row)
        return CreateVcoRouteEntryResponse(
            vpn_connection_id=row.connection_id,
            route_dest=row.destination,
            next_hop=row.connection_id,
            weight=row.weight,
            state=PUBLISHED,
            overlay_mode=OVERLAY,
            description=row.description,
            create_time=row.created_at,
        )


class DeleteVcoRouteEntryRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]
    route_dest: RouteDest
    next_hop: NextHop
    weight: Weight
    overlay_mode: OverlayMode = OVERLAY
    client_token: ClientToken = None


class DeleteVcoRouteEntryResponse(Response, kw_only=True):
    pass


class DeleteVcoRouteEntry(Operation[DeleteVcoRouteEntryRequest, DeleteVcoRouteEntryResponse]):
    """Take a route of an attachment away."""

    access = Access.WRITE
    errors = (NOT_FOUND, NEXT_HOP_NOT_FOUND, ROUTE_NOT_FOUND)

    def execute(self, call: Call, request: DeleteVcoRouteEntryRequest) -> DeleteVcoRouteEntryResponse:
        attachment = _attachment(call, request.vpn_connection_id, request.next_hop)
        vco_routes.drop(call.transaction, _find(call, attachment, request.route_dest, request.weight))
        return DeleteVcoRouteEntryResponse()


class ModifyVcoRouteEntryWeightRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]
    route_dest: RouteDest
    next_hop: NextHop
    weight: Weight
    new_weight: Weight
    overlay_mode: OverlayMode = OVERLAY
    client_token: ClientToken = None


class ModifyVcoRouteEntryWeightResponse(Response, kw_only=True):
    pass


class ModifyVcoRouteEntryWeight(Operation[ModifyVcoRouteEntryWeightRequest, ModifyVcoRouteEntryWeightResponse]):
    """Change the weight of a route of an attachment, which names it and means nothing else."""

    access = Access.WRITE
    errors = (NOT_FOUND, NEXT_HOP_NOT_FOUND, ROUTE_NOT_FOUND)

    def execute(self, call: Call, request: ModifyVcoRouteEntryWeightRequest) -> ModifyVcoRouteEntryWeightResponse:
        attachment = _attachment(call, request.vpn_connection_id, request.next_hop)
        row = _find(call, attachment, request.route_dest, request.weight)
        vco_routes.change(call.transaction, msgspec.structs.replace(row, weight=request.new_weight))
        return ModifyVcoRouteEntryWeightResponse()


class DescribeVcoRouteEntriesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]
    route_entry_type: Annotated[str, Parameter(OneOf(CUSTOM, BGP))] = CUSTOM
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE
    client_token: ClientToken = None


class VcoRouteEntryPart(Part, kw_only=True):
    vpn_connection_id: str
    route_dest: str
    next_hop: str
    weight: int
    state: str
    route_entry_type: str
    create_time: int


class VcoRouteCountPart(Part, kw_only=True):
    route_entry_type: str
    route_count: int


class DescribeVcoRouteEntriesResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vco_route_entries: list[VcoRouteEntryPart]
    vpn_route_counts: list[VcoRouteCountPart]


class DescribeVcoRouteEntries(Operation[DescribeVcoRouteEntriesRequest, DescribeVcoRouteEntriesResponse]):
    """Page through the routes of an attachment, newest first.

    Nothing is learnt by BGP through an attachment, whose tunnels are never up: with ``RouteEntryType=bgp`` there are no
    entries. ``VpnRouteCounts`` is told of one with two tunnels.
    """

    access = Access.LIST
    errors = (NOT_FOUND,)

    def execute(self, call: Call, request: DescribeVcoRouteEntriesRequest) -> DescribeVcoRouteEntriesResponse:
        attachment = find_attachment(call, request.vpn_connection_id)
        rows = vco_routes.of_attachment(call.transaction, attachment.id)
        listed = rows[::-1] if request.route_entry_type == CUSTOM else []
        first = (request.page_number - 1) * request.page_size
        counts = [VcoRouteCountPart(route_entry_type=CUSTOM, route_count=len(rows))]
        return DescribeVcoRouteEntriesResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=len(listed),
            vco_route_entries=[
                VcoRouteEntryPart(
                    vpn_connection_id=row.connection_id,
                    route_dest=row.destination,
                    next_hop=row.connection_id,
                    weight=row.weight,
                    state=PUBLISHED,
                    route_entry_type=CUSTOM,
                    create_time=row.created_at,
                )
                for row in listed[first : first + request.page_size]
            ],
            vpn_route_counts=counts if attachment.dual_tunnel else [],
        )
