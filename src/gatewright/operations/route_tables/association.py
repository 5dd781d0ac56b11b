"""AssociateRouteTable, UnassociateRouteTable: which table a vSwitch routes by."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import (
    Access,
    Operation,
    Parameter,
    Request,
    Response,
)
from gatewright.operations.route_tables.facts import REGION_NOT_FOUND, TABLE_NOT_FOUND, find_table
from gatewright.reconcile import placement
from gatewright.store import route_tables, vswitches
from gatewright.store.vswitches import VSwitchRow

VSWITCH_NOT_FOUND = ErrorRow(
    404,
    "InvalidVSwitchId.NotFound",
    "Specified VSwitch does not exist.",
    "DescribeVSwitches lists the vSwitches of a VPC.",
)
ASSOCIATE_TABLE_NOT_FOUND = ErrorRow(
    400,
    "InvalidRouteTableId.NotFound",
    "Specified route table does not exist.",
    "DescribeRouteTableList lists the route tables of a region.",
)
BACK_TO_SYSTEM_TABLE = ErrorRow(
    400,
    "OperationDenied.SwitchToSystemRouteTable",
    "The associated route tables cannot be directly changed to system route tables.",
    "UnassociateRouteTable gives the vSwitch its VPC's system route table back.",
)
ALREADY_ASSOCIATED = ErrorRow(
    400, "ResourceAlreadyAssociated.RouteTable", "The resource has already associated with a routetable."
)
OTHER_VPC = ErrorRow(
    404, "Forbidden.NotInSameVpc", "The specified virtual switch and route table are not in the same VPC."
)
VSWITCH_STATUS = ErrorRow(
    404, "IncorrectVSwitchStatus", "The current status of the virtual switch does not support this operation."
)
SYSTEM_TABLE = ErrorRow(404, "OperationUnsupported.SystemRouteTable", "System route table can not be unassociated.")
NOT_ASSOCIATED = ErrorRow(
    404, "InvalidBindingStatus.RouteTable", "The specified virtual switch and route table does not bind"
)


def _find_vswitch(call: Call, vswitch_id: str) -> VSwitchRow:
    row = vswitches.find(call.transaction, call.account_id, vswitch_id)
    if row is None or not call.here(row.region_id):
        raise VSWITCH_NOT_FOUND("VSwitchId", vswitch_id, f"names no vSwitch of this account {call.where}")
    return row


def _associate(call: Call, vswitch: VSwitchRow, route_table_id: str) -> None:
    vswitches.change(call.transaction, msgspec.structs.replace(vswitch, route_table_id=route_table_id))
    placement.reroute(call.transaction, [vswitch.vpc_id])


class AssociateRouteTableRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    route_table_id: Annotated[str, Parameter()]
    vswitch_id: Annotated[str, Parameter()]
    client_token: ClientToken = None


class AssociateRouteTableResponse(Response, kw_only=True):
    pass


class AssociateRouteTable(Operation[AssociateRouteTableRequest, AssociateRouteTableResponse]):
    """Associate a custom route table with a vSwitch of its VPC, in place of the table that the vSwitch has.

    A vSwitch has one table. Another custom table is replaced without being taken off first (route table overview,
    2024-11-05). The table that the vSwitch already has is refused (*assumed*). The vSwitch stays ``Available``, and may
    still be ``Pending`` after its creation (*assumed*).
    """

    access = Access.WRITE
    region_not_found = REGION_NOT_FOUND
    errors = (
        REGION_NOT_FOUND,
        ASSOCIATE_TABLE_NOT_FOUND,
        VSWITCH_NOT_FOUND,
        BACK_TO_SYSTEM_TABLE,
        OTHER_VPC,
        VSWITCH_STATUS,
        ALREADY_ASSOCIATED,
    )

    def execute(self, call: Call, request: AssociateRouteTableRequest) -> AssociateRouteTableResponse:
        table = find_table(call, request.route_table_id, ASSOCIATE_TABLE_NOT_FOUND)
        vswitch = _find_vswitch(call, request.vswitch_id)
        if table.vpc_id != vswitch.vpc_id:
            raise OTHER_VPC("VSwitchId", vswitch.id, f"is in {vswitch.vpc_id}, the route table in {table.vpc_id}")
        if table.type == route_tables.SYSTEM:
            raise BACK_TO_SYSTEM_TABLE("RouteTableId", table.id, f"is the system route table of {table.vpc_id}")
        if vswitch.deleting:
            raise VSWITCH_STATUS("VSwitchId", vswitch.id, "is being deleted")
        if vswitch.route_table_id == table.id:
            raise ALREADY_ASSOCIATED("VSwitchId", vswitch.id, f"is associated with {table.id} already")
        _associate(call, vswitch, table.id)
        return AssociateRouteTableResponse()


class UnassociateRouteTableRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    route_table_id: Annotated[str, Parameter()]
    vswitch_id: Annotated[str, Parameter()]
    client_token: ClientToken = None


class UnassociateRouteTableResponse(Response, kw_only=True):
    pass


class UnassociateRouteTable(Operation[UnassociateRouteTableRequest, UnassociateRouteTableResponse]):
    """Take a custom route table off a vSwitch, which routes by its VPC's system route table again."""

    access = Access.WRITE
    region_not_found = REGION_NOT_FOUND
    errors = (REGION_NOT_FOUND, TABLE_NOT_FOUND, VSWITCH_NOT_FOUND, SYSTEM_TABLE, NOT_ASSOCIATED)

    def execute(self, call: Call, request: UnassociateRouteTableRequest) -> UnassociateRouteTableResponse:
        table = find_table(call, request.route_table_id)
        vswitch = _find_vswitch(call, request.vswitch_id)
        if table.type == route_tables.SYSTEM:
            raise SYSTEM_TABLE("RouteTableId", table.id, f"is the system route table of {table.vpc_id}")
        if vswitch.route_table_id != table.id:
            raise NOT_ASSOCIATED("VSwitchId", vswitch.id, f"is associated with {vswitch.route_table_id}")
        system = route_tables.of_vpcs(call.transaction, [table.vpc_id])[0]
        _associate(call, vswitch, system.id)
        return UnassociateRouteTableResponse()
