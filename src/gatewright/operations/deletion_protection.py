"""DeletionProtection: of resources that there are none of here."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, OneOf, Operation, Parameter, Request, Response

TYPE_NOT_SUPPORTED = ErrorRow(400, "DeletionProtection.TypeNotSupport", "The resource is not support.")
EIP_NOT_FOUND = ErrorRow(404, "InvalidAllocationId.NotFound", "Specified allocation ID is not found")
NOT_FOUND = ErrorRow(
    400,
    "DeletionProtection.ResourceNotExist",
    "The resource is not exist.",
    "There are no bandwidth plans and no NAT gateways here.",
)


class DeletionProtectionRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    instance_id: Annotated[str, Parameter()]
    type: Annotated[str, Parameter(OneOf("EIP", "CBWP", "NATGW", error=TYPE_NOT_SUPPORTED))]
    protection_enable: Annotated[bool, Parameter()]
    client_token: ClientToken = None


class DeletionProtectionResponse(Response, kw_only=True):
    pass


class DeletionProtection(Operation[DeletionProtectionRequest, DeletionProtectionResponse]):
    """Protect an EIP, a bandwidth plan or a NAT gateway from being deleted.

    None of the three can be made here, so none is ever found.
    """

    access = Access.WRITE
    errors = (TYPE_NOT_SUPPORTED, EIP_NOT_FOUND, NOT_FOUND)

    def execute(self, call: Call, request: DeletionProtectionRequest) -> DeletionProtectionResponse:
        missing = EIP_NOT_FOUND if request.type == "EIP" else NOT_FOUND
        raise missing("InstanceId", request.instance_id, f"names no {request.type} of this account in {call.region.id}")


OPERATIONS = (DeletionProtection,)
