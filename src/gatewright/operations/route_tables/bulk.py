"""CreateRouteEntries, DeleteRouteEntries: many at a time, of which some may fail."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import ApiError, missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    Access,
    Count,
    Item,
    Length,
    OneOf,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.route_tables.entries import INVALID_DESCRIPTION, INVALID_NAME, NOT_FOUND
from gatewright.operations.route_tables.facts import check_vpc
from gatewright.operations.route_tables.finding import (
    FINDING_ERRORS,
    NO_SUCH_ID,
    FindingWords,
    Found,
    Which,
    find_custom_entry,
)
from gatewright.operations.route_tables.making import DUPLICATE, MAKING_ERRORS, MALFORMED, Making, MakingWords, Wish
from gatewright.operations.route_tables.next_hops import BULK_TYPES, INVALID_TYPE
from gatewright.operations.route_tables.rerouting import entry_left, reroute
from gatewright.operations.vpcs.facts import INCORRECT_STATUS as VPC_STATUS
from gatewright.resources.routes import parse_destination
from gatewright.store import route_tables

#: Entries that one request may name.
MOST_ENTRIES = 50
#: The failures that the documentation gives as examples, by the code that the operation on one entry has for them.
_FAILURES = {
    DUPLICATE.code: (
        "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE",
        "Specified CIDR block is already exists, entry.cidrBlock={destination}",
    ),
    NOT_FOUND.code: ("VPC_ROUTER_ENTRY_NOT_EXIST", "vRouterEntry not exists"),
    NO_SUCH_ID.code: ("VPC_ROUTER_ENTRY_NOT_EXIST", "vRouterEntry not exists"),
}


def _told(error: ApiError, destination: str | None) -> tuple[str, str]:
    """``FailedCode`` and ``FailedMessage``; the message says the detail too, for which there is no field."""
    code, message = error.code, error.message
    if code in _FAILURES:
        code, message = _FAILURES[code]
        message = message.format(destination=destination)
    return code, f"{message} ({error.detail})"


class NewEntry(Item, kw_only=True, frozen=True):
    """An entry to be made: ``RouteEntries.1.DstCidrBlock``."""

    route_table_id: Annotated[str, Parameter()]
    dst_cidr_block: Annotated[str, Parameter()]
    next_hop: Annotated[str, Parameter()]
    next_hop_type: Annotated[str, Parameter(OneOf(*BULK_TYPES, error=INVALID_TYPE))]
    ip_version: Annotated[int | None, Parameter(OneOf(4, 6))] = None
    name: Annotated[str, Parameter(Length(1, 128, INVALID_NAME))] = ""
    description: Annotated[str, Parameter(Length(1, 256, INVALID_DESCRIPTION))] = ""


class CreateRouteEntriesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    route_entries: Annotated[tuple[NewEntry, ...], Parameter(Count(MOST_ENTRIES))]
    dry_run: Annotated[bool, Parameter()] = False


class NotMade(Part, kw_only=True):
    dst_cidr_block: str
    next_hop: str
    failed_code: str
    failed_message: str


class CreateRouteEntriesResponse(Response, kw_only=True):
    success_count: int
    failed_count: int
    route_entry_ids: list[str]
    failed_route_entries: list[NotMade]


class CreateRouteEntries(Operation[CreateRouteEntriesRequest, CreateRouteEntriesResponse]):
    """Add up to 50 custom entries, in their order, to one or more tables.

    Each that keeps the rules of CreateRouteEntry is made, the others are told with the reason. ``FailedCode`` is the
    code of CreateRouteEntry, except for the examples of the documentation (*assumed*). A dry run in which one fails
    ends with its error. Parameters that are missing, or no values of theirs, refuse the whole request (*assumed*).
    """

    access = Access.WRITE
    errors = (*MAKING_ERRORS, INVALID_NAME, INVALID_DESCRIPTION, INVALID_TYPE)

    def execute(self, call: Call, request: CreateRouteEntriesRequest) -> CreateRouteEntriesResponse:
        making = Making(call)
        made: list[str] = []
        failed: list[NotMade] = []
        for number, item in enumerate(request.route_entries, 1):
            try:
                made.append(self._make(making, item, f"RouteEntries.{number}."))
            except ApiError as error:
                if request.dry_run:
                    raise
                code, message = _told(error, item.dst_cidr_block)
                failed.append(
                    NotMade(
                        dst_cidr_block=item.dst_cidr_block,
                        next_hop=item.next_hop,
                        failed_code=code,
                        failed_message=message,
                    )
                )
        reroute(call, making.vpc_ids, making.next_hops)
        return CreateRouteEntriesResponse(
            success_count=len(made), failed_count=len(failed), route_entry_ids=made, failed_route_entries=failed
        )

    def _make(self, making: Making, item: NewEntry, prefix: str) -> str:
        network = parse_destination(item.dst_cidr_block)
        if item.ip_version is not None and network is not None and network.version != item.ip_version:
            raise MALFORMED(f"{prefix}DstCidrBlock", item.dst_cidr_block, f"is no IPv{item.ip_version} network")
        wish = Wish(
            route_table_id=item.route_table_id,
            destination=item.dst_cidr_block,
            next_hop_type=item.next_hop_type,
            next_hop_id=item.next_hop,
            name=item.name,
            description=item.description,
        )
        words = MakingWords(f"{prefix}RouteTableId", f"{prefix}DstCidrBlock", f"{prefix}NextHop")
        return making.make(wish, words)


class OldEntry(Item, kw_only=True, frozen=True):
    """An entry to be deleted: ``RouteEntries.1.RouteEntryId``."""

    route_table_id: Annotated[str, Parameter()]
    route_entry_id: Annotated[str | None, Parameter()] = None
    dst_cidr_block: Annotated[str | None, Parameter()] = None
    next_hop: Annotated[str | None, Parameter()] = None


class DeleteRouteEntriesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    route_entries: Annotated[tuple[OldEntry, ...], Parameter(Count(MOST_ENTRIES))] = ()
    dry_run: Annotated[bool, Parameter()] = False


class NotDeleted(Part, kw_only=True):
    route_entry_id: str
    dst_cidr_block: str
    next_hop: str
    failed_code: str
    failed_message: str


class DeleteRouteEntriesResponse(Response, kw_only=True):
    success_count: int
    failed_count: int
    failed_route_entries: list[NotDeleted]


class DeleteRouteEntries(Operation[DeleteRouteEntriesRequest, DeleteRouteEntriesResponse]):
    """Delete up to 50 custom entries: each by its id, or by its destination and next hop.

    Each that there is is deleted, the others are told with the reason. ``FailedCode`` is the code of DeleteRouteEntry,
    except for the example of the documentation (*assumed*). A dry run in which one fails ends with its error.
    """

    access = Access.WRITE
    errors = (*FINDING_ERRORS, NOT_FOUND, VPC_STATUS)

    def validate(self, request: DeleteRouteEntriesRequest) -> None:
        for number, item in enumerate(request.route_entries, 1):
            if item.route_entry_id is not None:
                continue
            for name, value in (("DstCidrBlock", item.dst_cidr_block), ("NextHop", item.next_hop)):
                if value is None:
                    raise missing_parameter(f"RouteEntries.{number}.{name}")

    def execute(self, call: Call, request: DeleteRouteEntriesRequest) -> DeleteRouteEntriesResponse:
        gone: list[Found] = []
        failed: list[NotDeleted] = []
        for number, item in enumerate(request.route_entries, 1):
            try:
                gone.append(self._delete(call, item, f"RouteEntries.{number}."))
            except ApiError as error:
                if request.dry_run:
                    raise
                code, message = _told(error, item.dst_cidr_block)
                failed.append(
                    NotDeleted(
                        route_entry_id=item.route_entry_id or "",
                        dst_cidr_block=item.dst_cidr_block or "",
                        next_hop=item.next_hop or "",
                        failed_code=code,
                        failed_message=message,
                    )
                )
        reroute(call, [found.table.vpc_id for found in gone], [found.row.next_hop_id for found in gone])
        return DeleteRouteEntriesResponse(
            success_count=len(request.route_entries) - len(failed),
            failed_count=len(failed),
            failed_route_entries=failed,
        )

    def _delete(self, call: Call, item: OldEntry, prefix: str) -> Found:
        """Delete one entry, and tell which."""
        which = Which(item.route_entry_id, item.route_table_id, item.dst_cidr_block, item.next_hop)
        words = FindingWords(f"{prefix}RouteEntryId", f"{prefix}RouteTableId", f"{prefix}DstCidrBlock")
        found = find_custom_entry(call, which, words, NOT_FOUND)
        check_vpc(call, found.table, VPC_STATUS, found.parameter, found.value)
        route_tables.drop_entry(call.transaction, found.row.id)
        entry_left(call, found.table, found.row)
        return found
