"""DeleteVpnAttachment."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, Operation, Parameter, Request, Response
from gatewright.operations.vpn_connections.delete import forget
from gatewright.operations.vpn_connections.facts import NOT_FOUND, find_attachment
from gatewright.store import vco_routes

#: ``Code`` and ``Message`` of what succeeds.
SUCCEEDED = "200"
SUCCESSFUL = "successful"


class DeleteVpnAttachmentRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]
    client_token: ClientToken = None


class DeleteVpnAttachmentResponse(Response, kw_only=True):
    code: str
    message: str
    success: bool


class DeleteVpnAttachment(Operation[DeleteVpnAttachmentRequest, DeleteVpnAttachmentResponse]):
    """Delete an attachment, which is gone at once, and its routes. A connection of a VPN gateway is none (*assumed*).

    There is no transit router that it could be attached to, so nothing has to be detached first.
    """

    access = Access.WRITE
    errors = (NOT_FOUND,)

    def execute(self, call: Call, request: DeleteVpnAttachmentRequest) -> DeleteVpnAttachmentResponse:
        row = find_attachment(call, request.vpn_connection_id)
        vco_routes.drop_of(call.transaction, row.id)
        forget(call, row)
        return DeleteVpnAttachmentResponse(code=SUCCEEDED, message=SUCCESSFUL, success=True)
