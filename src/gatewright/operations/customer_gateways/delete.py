"""DeleteCustomerGateway."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.customer_gateways.facts import NOT_FOUND, find_customer_gateway
from gatewright.operations.declaration import Access, Operation, Parameter, Request, Response
from gatewright.store import customer_gateways, tags

HAS_CONNECTION = ErrorRow(
    400,
    "DependencyViolation.VpnConnection",
    "There are vpn connections on specified customer gateway not deleted.",
    "Delete the connections that lead to it first.",
)


class DeleteCustomerGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    customer_gateway_id: Annotated[str, Parameter()]
    client_token: ClientToken = None


class DeleteCustomerGatewayResponse(Response, kw_only=True):
    pass


class DeleteCustomerGateway(Operation[DeleteCustomerGatewayRequest, DeleteCustomerGatewayResponse]):
    """Delete a customer gateway that no IPsec connection leads to. It is gone at once; its address is free again."""

    access = Access.WRITE
    errors = (NOT_FOUND, HAS_CONNECTION)

    def execute(self, call: Call, request: DeleteCustomerGatewayRequest) -> DeleteCustomerGatewayResponse:
        row = find_customer_gateway(call, request.customer_gateway_id)
        connection = customer_gateways.one_connection(call.transaction, row.id)
        if connection is not None:
            raise HAS_CONNECTION("CustomerGatewayId", row.id, f"is where IPsec connection {connection} leads")
        tags.drop(call.transaction, [row.id])
        customer_gateways.drop(call.transaction, row.id)
        return DeleteCustomerGatewayResponse()
