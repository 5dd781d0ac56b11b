"""DeleteVpnConnection."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, Operation, Parameter, Request, Response
from gatewright.operations.vpn_connections.facts import NOT_FOUND, find_of_a_gateway, status_of
from gatewright.operations.vpn_gateways.updating import CONFIGURING, check_changeable, want_anew
from gatewright.operations.vpn_routes.automatic import drop_routes
from gatewright.reconcile.telling import of_connection
from gatewright.resources.events import GONE
from gatewright.store import connections, events, gateways, tags, tunnel_logs, tunnels
from gatewright.store.connections import ConnectionView


class DeleteVpnConnectionRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]
    client_token: ClientToken = None


class DeleteVpnConnectionResponse(Response, kw_only=True):
    pass


class DeleteVpnConnection(Operation[DeleteVpnConnectionRequest, DeleteVpnConnectionResponse]):
    """Delete a connection. It is gone at once, and its gateway ``updating`` until its tunnels are down (*assumed*).

    Routes through it go with it, and with them the entries of the VPC's route table that they stood for (*assumed*).
    """

    access = Access.WRITE
    errors = (NOT_FOUND, CONFIGURING)

    def execute(self, call: Call, request: DeleteVpnConnectionRequest) -> DeleteVpnConnectionResponse:
        row = find_of_a_gateway(call, request.vpn_connection_id)
        (gateway,) = gateways.find_all(call.transaction, [row.gateway_id or ""])
        check_changeable(call, gateway)
        forget(call, row)
        drop_routes(call, gateway, row.id)
        want_anew(call, [gateway], f"connection {row.id} is deleted", [gateway.vpc_id])
        return DeleteVpnConnectionResponse()


def forget(call: Call, row: ConnectionView) -> None:
    """Drop a connection or an attachment, with its tunnels, their logs and its tags."""
    ends = tunnels.of_connections(call.transaction, [row.id])[row.id]
    tunnels.drop_of(call.transaction, row.id)
    tunnel_logs.drop(call.transaction, [row.id])
    connections.drop(call.transaction, row.id)
    tags.drop(call.transaction, [row.id])
    events.add(call.transaction, [of_connection(row, status_of(ends), GONE, call.now)])
