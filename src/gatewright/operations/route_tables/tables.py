"""CreateRouteTable, DeleteRouteTable, ModifyRouteTableAttributes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright import ids
from gatewright.errors import ApiError, ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import (
    Access,
    Length,
    NotYet,
    Operation,
    Parameter,
    Request,
    Response,
)
from gatewright.operations.route_tables.contents import Contents
from gatewright.operations.route_tables.facts import REGION_NOT_FOUND, TABLE_NOT_FOUND, check_vpc, find_table
from gatewright.operations.tags import TAG_ERRORS, ResourceType, Tags, add_tags, check_tags
from gatewright.operations.vpcs.facts import find_vpc
from gatewright.reconcile import placement
from gatewright.store import route_tables, tags
from gatewright.store.route_tables import RouteTableRow

VPC_NOT_FOUND = ErrorRow(404, "InvalidVpcId.NotFound", "Specified VPC does not exist.")
CREATE_INVALID_NAME = ErrorRow(
    400, "InvalidParameter.RouteTableName.Malformed", "The specified route table name is not valid."
)
CREATE_INVALID_DESCRIPTION = ErrorRow(
    400, "InvalidParameter.Description.Malformed", "The specified Description is not valid."
)
TOO_MANY = ErrorRow(
    400,
    "QuotaExceeded.RouteTable",
    "VPC RouteTable quota exceeded.",
    "Delete a custom route table of the VPC that is not used.",
)
SYSTEM_TABLE = ErrorRow(
    400,
    "IncorrectRouteTableType",
    "Route table can be deleted by this action only when it's type is custom.",
    "A system route table goes with its VPC.",
)
HAS_ENTRIES = ErrorRow(
    400,
    "IncorrectRouteTableStatus.RouteEntryExist",
    "You cannot delete the specified route table because it still has custom route entry.",
    "Delete its custom entries first.",
)
ASSOCIATED = ErrorRow(
    404,
    "IncorrectRouteTableStatus",
    "The current status of the route table does not support this operation.",
    "Take the table off its vSwitches with UnassociateRouteTable first.",
)
MODIFY_NOT_FOUND = ErrorRow(400, "Abs.InvalidRouteTableId.NotExist", "The route table id is not exist.")
MODIFY_VPC_STATUS = ErrorRow(
    400, "IncorrectStatus.Vpc", "Vpc status is invalid.", "Wait until DescribeVpcAttribute tells Available."
)
MODIFY_INVALID_NAME = ErrorRow(400, "Abs.InvaliTableName.Malformed", "Table name format is invalid.")
MODIFY_INVALID_DESCRIPTION = ErrorRow(400, "InvalidDescription.Malformed", "Description format is invalid.")


class CreateRouteTableRequest(Request, kw_only=True, frozen=True):
    not_yet = (NotYet("AssociateType", "string", "VSwitch"),)

    region_id: Annotated[str, Parameter()]
    vpc_id: Annotated[str, Parameter()]
    route_table_name: Annotated[str, Parameter(Length(1, 128, CREATE_INVALID_NAME))] = ""
    description: Annotated[str, Parameter(Length(1, 256, CREATE_INVALID_DESCRIPTION))] = ""
    tag: Tags = ()
    client_token: ClientToken = None


class CreateRouteTableResponse(Response, kw_only=True):
    route_table_id: str


class CreateRouteTable(Operation[CreateRouteTableRequest, CreateRouteTableResponse]):
    """Make a custom route table in a VPC, ``Available`` at once and associated with no vSwitch."""

    access = Access.WRITE
    region_not_found = REGION_NOT_FOUND
    errors = (REGION_NOT_FOUND, VPC_NOT_FOUND, TOO_MANY, *TAG_ERRORS)

    def validate(self, request: CreateRouteTableRequest) -> None:
        check_tags(request.tag)

    def execute(self, call: Call, request: CreateRouteTableRequest) -> CreateRouteTableResponse:
        vpc = find_vpc(call, request.vpc_id, VPC_NOT_FOUND)
        most = call.installation.quotas.route_tables
        # The system table is not counted.
        if len(route_tables.of_vpcs(call.transaction, [vpc.id])) > most:
            raise TOO_MANY("VpcId", vpc.id, f"has its {most} custom route tables already")
        row = RouteTableRow(
            id=ids.resource_id("vtb", vpc.region_id),
            account_id=call.account_id,
            region_id=vpc.region_id,
            vpc_id=vpc.id,
            type=route_tables.CUSTOM,
            name=request.route_table_name,
            description=request.description,
            propagation=True,
            created_at=call.now,
        )
        route_tables.add(call.transaction, row)
        add_tags(call, ResourceType.ROUTE_TABLE, row.region_id, row.id, request.tag)
        return CreateRouteTableResponse(route_table_id=row.id)


class DeleteRouteTableRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    route_table_id: Annotated[str, Parameter()]


class DeleteRouteTableResponse(Response, kw_only=True):
    pass


class DeleteRouteTable(Operation[DeleteRouteTableRequest, DeleteRouteTableResponse]):
    """Delete a custom route table that has no custom entries and no vSwitches.

    One that is still associated with a vSwitch is in the wrong status (*assumed*).
    """

    access = Access.WRITE
    region_not_found = REGION_NOT_FOUND
    errors = (REGION_NOT_FOUND, TABLE_NOT_FOUND, SYSTEM_TABLE, HAS_ENTRIES, ASSOCIATED)

    def execute(self, call: Call, request: DeleteRouteTableRequest) -> DeleteRouteTableResponse:
        row = find_table(call, request.route_table_id)
        refusal = self._refusal(call, row)
        if refusal is not None:
            raise refusal
        tags.drop(call.transaction, [row.id])
        route_tables.drop(call.transaction, row.id)
        return DeleteRouteTableResponse()

    def _refusal(self, call: Call, row: RouteTableRow) -> ApiError | None:
        if row.type == route_tables.SYSTEM:
            return SYSTEM_TABLE("RouteTableId", row.id, f"is the system route table of {row.vpc_id}")
        entries = route_tables.entries(call.transaction, [row.id])
        if entries:
            return HAS_ENTRIES(
                "RouteTableId", row.id, f"still has route entry {entries[0].id} to {entries[0].destination}"
            )
        associated = Contents(call, [row]).vswitch_ids()[row.id]
        if associated:
            return ASSOCIATED("RouteTableId", row.id, f"is still associated with vSwitch {', '.join(associated[:5])}")
        return None


class ModifyRouteTableAttributesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    route_table_id: Annotated[str, Parameter()]
    route_table_name: Annotated[str | None, Parameter(Length(1, 128, MODIFY_INVALID_NAME))] = None
    description: Annotated[str | None, Parameter(Length(1, 256, MODIFY_INVALID_DESCRIPTION))] = None
    route_propagation_enable: Annotated[bool | None, Parameter()] = None


class ModifyRouteTableAttributesResponse(Response, kw_only=True):
    pass


class ModifyRouteTableAttributes(Operation[ModifyRouteTableAttributesRequest, ModifyRouteTableAttributesResponse]):
    """Change the name, description or propagation of a route table of either type. What is not given stays.

    With ``RoutePropagationEnable`` a system table takes what customers announce by BGP to gateways that propagate it
    (``AutoPropagate``); of a custom table it is kept and told, and has no effect (*assumed*).
    """

    access = Access.WRITE
    errors = (MODIFY_NOT_FOUND, MODIFY_VPC_STATUS)

    def execute(self, call: Call, request: ModifyRouteTableAttributesRequest) -> ModifyRouteTableAttributesResponse:
        row = find_table(call, request.route_table_id, MODIFY_NOT_FOUND)
        check_vpc(call, row, MODIFY_VPC_STATUS, "RouteTableId", row.id)
        propagation = request.route_propagation_enable
        changed = msgspec.structs.replace(
            row,
            name=row.name if request.route_table_name is None else request.route_table_name,
            description=row.description if request.description is None else request.description,
            propagation=row.propagation if propagation is None else propagation,
        )
        route_tables.change(call.transaction, changed)
        if changed.propagation != row.propagation and row.type == route_tables.SYSTEM:
            placement.reroute(call.transaction, [row.vpc_id])
        return ModifyRouteTableAttributesResponse()
