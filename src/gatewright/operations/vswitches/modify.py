"""ModifyVSwitchAttribute."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, Length, NotYet, Operation, Parameter, Request, Response
from gatewright.operations.vswitches.facts import find_vswitch
from gatewright.store import vswitches

NOT_FOUND = ErrorRow(
    404,
    "InvalidVSwitchId.NotFound",
    "The specified virtual switch does not exists.",
    "DescribeVSwitches lists the vSwitches of a VPC.",
)
INVALID_NAME = ErrorRow(400, "InvalidVSwitchName.Malformed", "Specified virtual switch name is not valid.")
INVALID_DESCRIPTION = ErrorRow(
    400, "InvalidVSwitchDiscription.Malformed", "Specified virtual switch description is not valid."
)
INCORRECT_STATUS = ErrorRow(
    400,
    "IncorrectVSwitchStatus",
    "The current virtual switch status does not support this operation.",
    "The vSwitch is being deleted.",
)


class ModifyVSwitchAttributeRequest(Request, kw_only=True, frozen=True):
    not_yet = (
        NotYet("EnableIPv6", "boolean", "false"),
        NotYet("Ipv6CidrBlock", "integer"),
        NotYet("Ipv6CidrMask", "integer"),
        NotYet("VpcIpv6CidrBlock", "string"),
    )

    vswitch_id: Annotated[str, Parameter()]
    region_id: Annotated[str | None, Parameter()] = None
    vswitch_name: Annotated[str | None, Parameter(Length(1, 128, INVALID_NAME))] = None
    description: Annotated[str | None, Parameter(Length(1, 256, INVALID_DESCRIPTION))] = None


class ModifyVSwitchAttributeResponse(Response, kw_only=True):
    pass


class ModifyVSwitchAttribute(Operation[ModifyVSwitchAttributeRequest, ModifyVSwitchAttributeResponse]):
    """Change a vSwitch's name or description.

    No host has anything to do for it, so its status stays what it is. One that is being deleted is not changed any
    more (*assumed*).
    """

    access = Access.WRITE
    errors = (NOT_FOUND, INVALID_NAME, INVALID_DESCRIPTION, INCORRECT_STATUS)

    def execute(self, call: Call, request: ModifyVSwitchAttributeRequest) -> ModifyVSwitchAttributeResponse:
        row = find_vswitch(call, request.vswitch_id, NOT_FOUND)
        if row.deleting:
            raise INCORRECT_STATUS("VSwitchId", row.id, "is being deleted")
        vswitches.change(
            call.transaction,
            msgspec.structs.replace(
                row,
                name=row.name if request.vswitch_name is None else request.vswitch_name,
                description=row.description if request.description is None else request.description,
            ),
        )
        return ModifyVSwitchAttributeResponse()
