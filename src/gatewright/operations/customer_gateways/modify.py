"""ModifyCustomerGatewayAttribute."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.customer_gateways.facts import (
    INVALID_DESCRIPTION,
    INVALID_NAME,
    NOT_FOUND,
    AuthKey,
    Description,
    Name,
    find_customer_gateway,
    opened,
    sealed,
)
from gatewright.operations.declaration import Access, Operation, Parameter, Request, Response
from gatewright.operations.vpn_gateways.updating import want_anew
from gatewright.store import customer_gateways, gateways, tunnel_states


class ModifyCustomerGatewayAttributeRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    customer_gateway_id: Annotated[str, Parameter()]
    name: Name = None
    description: Description = None
    auth_key: AuthKey = None
    client_token: ClientToken = None


class ModifyCustomerGatewayAttributeResponse(Response, kw_only=True):
    customer_gateway_id: str
    ip_address: str
    name: str
    description: str
    create_time: int
    resource_group_id: str


class ModifyCustomerGatewayAttribute(
    Operation[ModifyCustomerGatewayAttributeRequest, ModifyCustomerGatewayAttributeResponse]
):
    """Change a customer gateway's name, description or key. What is not given stays.

    A new key is that of all BGP sessions with the device from now on: their gateways are ``updating`` until their hosts
    have it, and what was seen of these sessions does not count any more (*assumed*). Address and AS
    number cannot be changed: register another customer gateway.
    """

    access = Access.WRITE
    errors = (NOT_FOUND, INVALID_NAME, INVALID_DESCRIPTION)

    def execute(
        self, call: Call, request: ModifyCustomerGatewayAttributeRequest
    ) -> ModifyCustomerGatewayAttributeResponse:
        row = find_customer_gateway(call, request.customer_gateway_id)
        changed = msgspec.structs.replace(
            row,
            name=row.name if request.name is None else request.name,
            description=row.description if request.description is None else request.description,
        )
        if request.auth_key is not None and request.auth_key != opened(call, row):
            changed = msgspec.structs.replace(
                changed,
                auth_key=sealed(call, row.id, request.auth_key),
                auth_key_version=row.auth_key_version + 1,
            )
            for tunnel in tunnel_states.speaking_to(call.transaction, row.id):
                tunnel_states.forget_sides(call.transaction, tunnel, bgp=True, health=False)
            speaking = customer_gateways.spoken_to_by(call.transaction, row.id)
            want_anew(call, gateways.find_all(call.transaction, speaking), f"the key of {row.id} changes")
        customer_gateways.change(call.transaction, changed)
        return ModifyCustomerGatewayAttributeResponse(
            customer_gateway_id=changed.id,
            ip_address=changed.ip_address,
            name=changed.name,
            description=changed.description,
            create_time=changed.created_at,
            resource_group_id=changed.resource_group_id,
        )
