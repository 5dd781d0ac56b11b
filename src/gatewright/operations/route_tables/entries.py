"""CreateRouteEntry, DeleteRouteEntry, ModifyRouteEntry."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow, missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import (
    Access,
    Between,
    Item,
    Length,
    OneOf,
    Operation,
    Parameter,
    Request,
    Response,
)
from gatewright.operations.route_tables.facts import check_vpc, find_table
from gatewright.operations.route_tables.finding import (
    FINDING_ERRORS,
    FindingWords,
    Which,
    check_parts,
    find_custom_entry,
)
from gatewright.operations.route_tables.making import MAKING_ERRORS, Making, MakingWords, Wish, check_destination
from gatewright.operations.route_tables.next_hops import (
    INSTANCE,
    INVALID_TYPE,
    NEXT_HOP_ERRORS,
    NO_SUCH_ROUTER_INTERFACE,
    ROUTER_INTERFACE,
    TYPES,
    NextHops,
    check_gateway,
)
from gatewright.operations.route_tables.rerouting import entry_left, reroute
from gatewright.operations.vpcs.facts import INCORRECT_STATUS as VPC_STATUS
from gatewright.store import route_tables

INVALID_NAME = ErrorRow(400, "InvalidRouteEntryName.Malformed", "Specified RouteEntry name is not valid.")
INVALID_DESCRIPTION = ErrorRow(400, "InvalidDescription.Malformed", "The Description is illegal.")
INVALID_WEIGHT = ErrorRow(400, "INVALID_WEIGHT_PARAM", "Specified value of weight invalid")
NO_NEXT_HOP = ErrorRow(400, "InvalidNexthopTypeAndList.BothNull", "both nexthopType and nextHopList are null.")
BOTH_NEXT_HOPS = ErrorRow(
    400, "InvalidNexthopTypeAndList.BothNotNull", "both nexthopType and nextHopList are not null."
)
LIST_SIZE = ErrorRow(400, "InvalidNexthopListSize", "nexthop size is illegal. Must be between 2 and 4.")
NOT_FOUND = ErrorRow(
    400,
    "InvalidRouteEntry.NotFound",
    "Route entry not exists.",
    "DescribeRouteEntryList lists the entries of a route table.",
)
DELETE_NO_NEXT_HOP = ErrorRow(
    400,
    "InvalidNextHop",
    "Specified nexthop and nexthop list cannot both null.",
    "Give NextHopId beside the destination, or RouteEntryId alone.",
)
DELETE_BOTH_NEXT_HOPS = ErrorRow(
    400, "ParamExclusive.NextHopIdAndList", "NextHopId and NextHopList cannot both be not null."
)
DELETE_LIST_SIZE = ErrorRow(400, "InvalidNextHopList.Size", "Nexthop list size should be between 2 and 16")
MODIFY_NOT_FOUND = ErrorRow(400, "InvalidRouteEntryId.NotFound", "The specified routeEntry does not exist.")

_MAKING_WORDS = MakingWords("RouteTableId", "DestinationCidrBlock", "NextHopId")
_WORDS = FindingWords("RouteEntryId", "RouteTableId", "DestinationCidrBlock")

Name = Annotated[str, Parameter(Length(1, 128, INVALID_NAME))]
Description = Annotated[str, Parameter(Length(1, 256, INVALID_DESCRIPTION))]


class WeightedNextHop(Item, kw_only=True, frozen=True):
    """One of several next hops of equal cost: ``NextHopList.1.NextHopId``."""

    next_hop_id: Annotated[str | None, Parameter()] = None
    next_hop_type: Annotated[str, Parameter(OneOf(ROUTER_INTERFACE, error=INVALID_TYPE))] = ROUTER_INTERFACE
    weight: Annotated[int | None, Parameter(Between(0, 255, error=INVALID_WEIGHT))] = None


class CreateRouteEntryRequest(Request, kw_only=True, frozen=True):
    route_table_id: Annotated[str, Parameter()]
    destination_cidr_block: Annotated[str, Parameter()]
    region_id: Annotated[str | None, Parameter()] = None
    next_hop_type: Annotated[str | None, Parameter(OneOf(*TYPES, error=INVALID_TYPE))] = None
    next_hop_id: Annotated[str | None, Parameter()] = None
    next_hop_list: Annotated[tuple[WeightedNextHop, ...], Parameter()] = ()
    route_entry_name: Name = ""
    description: Description = ""
    client_token: ClientToken = None
    dry_run: Annotated[bool, Parameter()] = False


class CreateRouteEntryResponse(Response, kw_only=True):
    route_entry_id: str


class CreateRouteEntry(Operation[CreateRouteEntryRequest, CreateRouteEntryResponse]):
    """Add a custom entry to a route table of either type, ``Available`` at once.

    The destination is an IPv4 network, or an address for itself alone; it may hold vSwitches' networks but not lie
    within one, nor within 100.64.0.0/10. It does not lie within 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16 or 224.0.0.0/3
    either (*assumed*). The next hop is a VPN gateway of the same VPC: nothing of the other types exists here, so an
    entry to one ends with the row for a next hop of its type that there is not. Weights are 0 to 255 (*assumed*).
    """

    access = Access.WRITE
    errors = (*MAKING_ERRORS, NO_NEXT_HOP, BOTH_NEXT_HOPS, LIST_SIZE, INVALID_TYPE, INVALID_WEIGHT)

    def validate(self, request: CreateRouteEntryRequest) -> None:
        check_destination(request.destination_cidr_block, _MAKING_WORDS.destination)
        one = request.next_hop_type is not None or request.next_hop_id is not None
        if request.next_hop_list and one:
            raise BOTH_NEXT_HOPS(
                "NextHopList", f"{len(request.next_hop_list)} next hops", "stands beside NextHopType or NextHopId"
            )
        if not request.next_hop_list and not one:
            raise NO_NEXT_HOP("NextHopId", "", "is absent, and NextHopList too: where does the entry lead?")
        if one and request.next_hop_id is None:
            raise missing_parameter("NextHopId")
        if request.next_hop_list and not 2 <= len(request.next_hop_list) <= 4:
            raise LIST_SIZE("NextHopList", f"{len(request.next_hop_list)} next hops", "must be 2 to 4")

    def execute(self, call: Call, request: CreateRouteEntryRequest) -> CreateRouteEntryResponse:
        if request.next_hop_id is None:
            find_table(call, request.route_table_id)
            first = request.next_hop_list[0].next_hop_id or ""
            raise NO_SUCH_ROUTER_INTERFACE("NextHopList.1.NextHopId", first, "names no router interface")
        wish = Wish(
            route_table_id=request.route_table_id,
            destination=request.destination_cidr_block,
            next_hop_type=request.next_hop_type or INSTANCE,
            next_hop_id=request.next_hop_id,
            name=request.route_entry_name,
            description=request.description,
        )
        making = Making(call)
        route_entry_id = making.make(wish, _MAKING_WORDS)
        reroute(call, making.vpc_ids, making.next_hops)
        return CreateRouteEntryResponse(route_entry_id=route_entry_id)


class EqualNextHop(Item, kw_only=True, frozen=True):
    """One of several next hops of equal cost, without its weight."""

    next_hop_id: Annotated[str | None, Parameter()] = None
    next_hop_type: Annotated[str, Parameter(OneOf(ROUTER_INTERFACE))] = ROUTER_INTERFACE


class DeleteRouteEntryRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str | None, Parameter()] = None
    route_entry_id: Annotated[str | None, Parameter()] = None
    route_table_id: Annotated[str | None, Parameter()] = None
    destination_cidr_block: Annotated[str | None, Parameter()] = None
    next_hop_id: Annotated[str | None, Parameter()] = None
    next_hop_list: Annotated[tuple[EqualNextHop, ...], Parameter()] = ()
    dry_run: Annotated[bool, Parameter()] = False

    @property
    def which(self) -> Which:
        """What is said of the entry."""
        return Which(self.route_entry_id, self.route_table_id, self.destination_cidr_block, self.next_hop_id)


class DeleteRouteEntryResponse(Response, kw_only=True):
    pass


class DeleteRouteEntry(Operation[DeleteRouteEntryRequest, DeleteRouteEntryResponse]):
    """Delete a custom entry: by its id, or by its table, destination and next hop.

    Clients give all of them together; then the entry is the one that all of it is true of (*assumed*).
    """

    access = Access.WRITE
    errors = (*FINDING_ERRORS, NOT_FOUND, VPC_STATUS, DELETE_NO_NEXT_HOP, DELETE_BOTH_NEXT_HOPS, DELETE_LIST_SIZE)

    def validate(self, request: DeleteRouteEntryRequest) -> None:
        check_parts(request.which, _WORDS)
        _require_which(request.which)
        hops = len(request.next_hop_list)
        if hops and request.next_hop_id is not None:
            raise DELETE_BOTH_NEXT_HOPS("NextHopList", f"{hops} next hops", "stands beside NextHopId")
        if hops and not 2 <= hops <= 16:
            raise DELETE_LIST_SIZE("NextHopList", f"{hops} next hops", "must be 2 to 16")
        if request.route_entry_id is None and not hops and request.next_hop_id is None:
            raise DELETE_NO_NEXT_HOP("NextHopId", "", "is absent, and so are NextHopList and RouteEntryId")

    def execute(self, call: Call, request: DeleteRouteEntryRequest) -> DeleteRouteEntryResponse:
        found = find_custom_entry(call, request.which, _WORDS, NOT_FOUND)
        if request.next_hop_list:
            raise NOT_FOUND("NextHopList", f"{len(request.next_hop_list)} next hops", f"{found.row.id} has only one")
        check_vpc(call, found.table, VPC_STATUS, found.parameter, found.value)
        route_tables.drop_entry(call.transaction, found.row.id)
        entry_left(call, found.table, found.row)
        reroute(call, [found.table.vpc_id], [found.row.next_hop_id])
        return DeleteRouteEntryResponse()


def _require_which(which: Which) -> None:
    """Refuse to guess which entry is meant. Raises ApiError."""
    if which.entry_id is None:
        if which.destination is None:
            raise missing_parameter("DestinationCidrBlock" if which.route_table_id is not None else "RouteEntryId")
        if which.route_table_id is None:
            raise missing_parameter("RouteTableId")


class ModifyRouteEntryRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    route_entry_id: Annotated[str | None, Parameter()] = None
    route_table_id: Annotated[str | None, Parameter()] = None
    destination_cidr_block: Annotated[str | None, Parameter()] = None
    route_entry_name: Annotated[str | None, Parameter(Length(1, 128, INVALID_NAME))] = None
    description: Annotated[str | None, Parameter(Length(1, 256, INVALID_DESCRIPTION))] = None
    new_next_hop_type: Annotated[str | None, Parameter(OneOf(*TYPES, error=INVALID_TYPE))] = None
    new_next_hop_id: Annotated[str | None, Parameter()] = None
    dry_run: Annotated[bool, Parameter()] = False

    @property
    def which(self) -> Which:
        """What is said of the entry."""
        return Which(self.route_entry_id, self.route_table_id, self.destination_cidr_block)


class ModifyRouteEntryResponse(Response, kw_only=True):
    pass


class ModifyRouteEntry(Operation[ModifyRouteEntryRequest, ModifyRouteEntryResponse]):
    """Change a custom entry's name, description or next hop. What is not given stays.

    A new next hop without its type is of the type that the entry has (*assumed*).
    """

    access = Access.WRITE
    errors = (*FINDING_ERRORS, MODIFY_NOT_FOUND, *NEXT_HOP_ERRORS)

    def validate(self, request: ModifyRouteEntryRequest) -> None:
        check_parts(request.which, _WORDS)
        _require_which(request.which)
        if request.new_next_hop_type is not None and request.new_next_hop_id is None:
            raise missing_parameter("NewNextHopId")

    def execute(self, call: Call, request: ModifyRouteEntryRequest) -> ModifyRouteEntryResponse:
        row, table, *_ = find_custom_entry(call, request.which, _WORDS, MODIFY_NOT_FOUND)
        kind, next_hop_id = row.next_hop_type, row.next_hop_id
        if request.new_next_hop_id is not None:
            kind, next_hop_id = request.new_next_hop_type or kind, request.new_next_hop_id
            gateway = NextHops(call).find(table, kind, next_hop_id, "NewNextHopId")
            check_gateway(table, gateway, "NewNextHopId")
        changed = msgspec.structs.replace(
            row,
            name=row.name if request.route_entry_name is None else request.route_entry_name,
            description=row.description if request.description is None else request.description,
            next_hop_type=kind,
            next_hop_id=next_hop_id,
            modified_at=call.now,
        )
        route_tables.change_entry(call.transaction, changed)
        if next_hop_id != row.next_hop_id:
            entry_left(call, table, row)
            reroute(call, [table.vpc_id], [row.next_hop_id, next_hop_id])
        return ModifyRouteEntryResponse()
