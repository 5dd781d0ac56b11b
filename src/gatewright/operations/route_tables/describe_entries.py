"""DescribeRouteEntryList."""

from __future__ import annotations

from typing import Annotated

from gatewright.clock import iso_seconds
from gatewright.errors import ErrorRow, invalid_parameter
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    Access,
    Between,
    Count,
    Length,
    OneOf,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.paging import NextToken, next_token, place_of
from gatewright.operations.route_tables.contents import AVAILABLE, BGP, CUSTOM, ENTRY_TYPES, SYSTEM, Contents, Entry
from gatewright.operations.route_tables.facts import find_table
from gatewright.operations.route_tables.next_hops import BULK_TYPES
from gatewright.resources.routes import parse_destination

NOT_FOUND = ErrorRow(
    400,
    "InvalidRouteTable.NotFound",
    "The specified RouteTable was not found.",
    "DescribeRouteTableList lists the route tables of a region.",
)
INVALID_TOKEN = ErrorRow(400, "IllegalParam.NextToken", "User nextToken is illegal.")
INVALID_ENTRY_TYPE = ErrorRow(400, "IllegalParam.RouteEntryType", "The parameter of RouteEntryType is illegal.")
INVALID_IP_VERSION = ErrorRow(400, "IllegalParam.IpVersion", "Param IpVersion illegal.")
CUSTOM_ONLY = ErrorRow(
    400,
    "OperationFailed.FilterParamUnderWrongRouteType",
    "Operation failed because only custom type support filter by routeEntryId or routeEntryName",
    "Leave RouteEntryType out, or make it Custom.",
)

_ORIGINS = {SYSTEM: "SystemCreate", CUSTOM: "CustomCreate", BGP: "RoutePropagation"}


class DescribeRouteEntryListRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    route_table_id: Annotated[str, Parameter()]
    route_entry_id: Annotated[str | None, Parameter()] = None
    destination_cidr_block: Annotated[str | None, Parameter()] = None
    dest_cidr_block_list: Annotated[tuple[str, ...], Parameter(Count(20))] = ()
    route_entry_name: Annotated[str | None, Parameter(Length(1, 128))] = None
    ip_version: Annotated[str | None, Parameter(OneOf("ipv4", "ipv6", error=INVALID_IP_VERSION, any_case=True))] = None
    route_entry_type: Annotated[str | None, Parameter(OneOf(*ENTRY_TYPES, error=INVALID_ENTRY_TYPE))] = None
    next_hop_id: Annotated[str | None, Parameter()] = None
    next_hop_type: Annotated[str | None, Parameter(OneOf(*BULK_TYPES, "local", "service"))] = None
    service_type: Annotated[str | None, Parameter(OneOf("TR"))] = None
    max_result: Annotated[int, Parameter(Between(1, 100))] = 10
    next_token: NextToken = None


class NextHop(Part, kw_only=True):
    next_hop_id: str
    next_hop_type: str


class NextHops(Part, kw_only=True):
    next_hop: list[NextHop]


class RouteEntryPart(Part, kw_only=True):
    route_entry_id: str
    route_entry_name: str
    description: str
    route_table_id: str
    destination_cidr_block: str
    ip_version: str
    type: str
    origin: str
    status: str
    service_type: str
    gmt_modified: str
    next_hops: NextHops


class RouteEntryList(Part, kw_only=True):
    route_entry: list[RouteEntryPart]


class DescribeRouteEntryListResponse(Response, kw_only=True):
    total_count: int
    next_token: str | None = None
    route_entrys: RouteEntryList


class DescribeRouteEntryList(Operation[DescribeRouteEntryListRequest, DescribeRouteEntryListResponse]):
    """Page through the entries of a route table: the system's by destination, then the custom ones, oldest first.

    The system table has those of type ``BGP`` last, while a gateway propagates what customers announce and the table
    takes it; what has an entry of its own is not among them (*assumed*), ``Origin`` is ``RoutePropagation``
    (*assumed*).

    ``TotalCount`` counts what passes the filters. Without ``NextHopType`` next hops of all types pass. No entry is
    hosted by a transit router, so ``ServiceType=TR`` has none. The last page has no ``NextToken``.
    """

    access = Access.LIST
    errors = (NOT_FOUND, INVALID_TOKEN, CUSTOM_ONLY)

    def validate(self, request: DescribeRouteEntryListRequest) -> None:
        _destinations(request)
        place_of(request.next_token, 2, INVALID_TOKEN)
        for name, value in (
            ("RouteEntryId", request.route_entry_id),
            ("RouteEntryName", request.route_entry_name),
        ):
            if value is not None and request.route_entry_type not in (None, CUSTOM):
                raise CUSTOM_ONLY(name, value, f"cannot be asked for beside RouteEntryType={request.route_entry_type}")

    def execute(self, call: Call, request: DescribeRouteEntryListRequest) -> DescribeRouteEntryListResponse:
        table = find_table(call, request.route_table_id, NOT_FOUND)
        destinations = _destinations(request)
        entries = Contents(call, [table]).entries(request.route_entry_type)[table.id]
        passing = [entry for entry in entries if _passes(entry, request, destinations)]
        after = place_of(request.next_token, 2, INVALID_TOKEN)
        rest = [entry for entry in passing if entry.place > after]
        told = rest[: request.max_result]
        return DescribeRouteEntryListResponse(
            total_count=len(passing),
            next_token=next_token(*told[-1].place) if len(rest) > len(told) else None,
            route_entrys=RouteEntryList(route_entry=[_part(entry) for entry in told]),
        )


def _destinations(request: DescribeRouteEntryListRequest) -> list[frozenset[str]]:
    """The destinations that the request asks for, as entries have them: one must be in every set. Raises ApiError."""
    asked = []
    if request.destination_cidr_block is not None:
        asked.append({"DestinationCidrBlock": request.destination_cidr_block})
    if request.dest_cidr_block_list:
        asked.append({f"DestCidrBlockList.{n}": text for n, text in enumerate(request.dest_cidr_block_list, 1)})
    return [frozenset(_canonical(name, text) for name, text in each.items()) for each in asked]


def _canonical(name: str, text: str) -> str:
    network = parse_destination(text)
    if network is None:
        raise invalid_parameter(name, text, "must be a network such as 192.168.0.0/16, or an address")
    return str(network)


def _passes(entry: Entry, request: DescribeRouteEntryListRequest, destinations: list[frozenset[str]]) -> bool:
    wanted = (
        (request.route_entry_id, entry.id),
        (request.route_entry_name, entry.name),
        (request.next_hop_id, entry.next_hop_id),
        (request.next_hop_type, entry.next_hop_type),
        (request.ip_version and request.ip_version.lower(), "ipv4"),
        (request.service_type, ""),
    )
    return all(value is None or value == fact for value, fact in wanted) and all(
        entry.destination in among for among in destinations
    )


def _part(entry: Entry) -> RouteEntryPart:
    return RouteEntryPart(
        route_entry_id=entry.id,
        route_entry_name=entry.name,
        description=entry.description,
        route_table_id=entry.route_table_id,
        destination_cidr_block=entry.destination,
        ip_version="ipv4",
        type=entry.type,
        origin=_ORIGINS[entry.type],
        status=AVAILABLE,
        service_type="",
        gmt_modified=iso_seconds(entry.modified_at),
        next_hops=NextHops(next_hop=[NextHop(next_hop_id=entry.next_hop_id, next_hop_type=entry.next_hop_type)]),
    )
