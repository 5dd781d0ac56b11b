"""DeleteVpnGateway."""

from __future__ import annotations

from typing import Annotated

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
from gatewright.operations.vpn_gateways.facts import NOT_FOUND, find_gateway
from gatewright.reconcile.telling import of_gateway
from gatewright.resources.statuses import GatewayStatus
from gatewright.store import connections, events, gateways, placements
from gatewright.store.gateways import GatewayView

WITHIN_TERM = ErrorRow(
    403,
    "ForbiddenRelease",
    "Forbidden to release a prepaid instance within validity period",
    "A PREPAY gateway can be deleted after its EndTime; order test gateways with POSTPAY.",
)


CONNECTIONS_LEFT = ErrorRow(
    400,
    "DependencyViolation.VpnConnection",
    "There are vpn connections on specified customer gateway not deleted.",
    "Delete the gateway's IPsec connections first (DescribeVpnConnections with VpnGatewayId lists them).",
)


class DeleteVpnGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str, Parameter()]
    client_token: ClientToken = None


class DeleteVpnGatewayResponse(Response, kw_only=True):
    pass


class DeleteVpnGateway(Operation[DeleteVpnGatewayRequest, DeleteVpnGatewayResponse]):
    """Delete a gateway: ``deleting`` until its hosts have removed every trace, then gone.

    Deleting it again meanwhile succeeds and changes nothing (*assumed*). Entries of route tables that lead to it do
    not stand in the way and go with it (*assumed*).
    """

    access = Access.WRITE
    errors = (NOT_FOUND, WITHIN_TERM, CONNECTIONS_LEFT)

    def execute(self, call: Call, request: DeleteVpnGatewayRequest) -> DeleteVpnGatewayResponse:
        row = find_gateway(call, request.vpn_gateway_id)
        if row.ends_at is not None and call.now < row.ends_at:
            raise WITHIN_TERM("VpnGatewayId", row.id, "is a subscription whose term has not ended")
        release(call, row)
        return DeleteVpnGatewayResponse()


def release(call: Call, row: GatewayView) -> None:
    """Have a gateway removed, if it is not being removed. Raises DependencyViolation.VpnConnection."""
    connection = connections.one_of(call.transaction, row.id)
    if connection is not None:
        raise CONNECTIONS_LEFT("VpnGatewayId", row.id, f"has the connection {connection}")
    if row.status != GatewayStatus.DELETING:
        gateways.set_status(call.transaction, [row.id], GatewayStatus.DELETING.value)
        events.add(call.transaction, [of_gateway(row, GatewayStatus.DELETING, call.now)])
        placements.bury(call.transaction, row.id)
