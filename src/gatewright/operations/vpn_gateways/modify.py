"""ModifyVpnGatewayAttribute."""

from __future__ import annotations

from typing import Annotated, Protocol

import msgspec

from gatewright.errors import ErrorRow, invalid_parameter
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import (
    Access,
    Length,
    Matches,
    Operation,
    Parameter,
    Request,
    Response,
)
from gatewright.operations.vpn_gateways.facts import NAME_PATTERN, NAME_RULE, NOT_FOUND, facts_of, find_gateway
from gatewright.operations.vpn_gateways.updating import CONFIGURING, check_changeable, want_anew
from gatewright.resources.addresses import dotted
from gatewright.store import gateways, tunnels
from gatewright.store.gateways import GatewayView

MODIFY_INVALID_NAME = ErrorRow(400, "InvalidName", "The name is not valid")
INVALID_DESCRIPTION = ErrorRow(400, "InvalidDescription", "The description is not valid")


class ModifyVpnGatewayAttributeRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str, Parameter()]
    name: Annotated[str | None, Parameter(Matches(NAME_PATTERN, NAME_RULE, error=MODIFY_INVALID_NAME))] = None
    description: Annotated[str | None, Parameter(Length(1, 100, INVALID_DESCRIPTION))] = None
    auto_propagate: Annotated[bool | None, Parameter()] = None
    client_token: ClientToken = None


class ModifyVpnGatewayAttributeResponse(Response, kw_only=True):
    vpn_gateway_id: str
    name: str
    description: str
    status: str
    business_status: str
    vpc_id: str
    vswitch_id: str
    disaster_recovery_vswitch_id: str | None = None
    internet_ip: str
    disaster_recovery_internet_ip: str | None = None
    ssl_vpn_internet_ip: str | None = None
    intranet_ip: str
    spec: str
    enable_bgp: bool
    auto_propagate: bool
    create_time: int
    end_time: int | None = None
    resource_group_id: str


class ModifyVpnGatewayAttribute(Operation[ModifyVpnGatewayAttributeRequest, ModifyVpnGatewayAttributeResponse]):
    """Change name, description or route propagation.

    A new name or description changes nothing on a host, and the gateway stays ``active``; changed propagation makes
    it ``updating`` until its hosts have it. It is not switched off while a connection has BGP, as documented; that BGP
    is switched on only with it is not, so the order counts (*assumed*). A gateway that is being deleted is not changed
    any more.
    """

    access = Access.WRITE
    errors = (NOT_FOUND, MODIFY_INVALID_NAME, INVALID_DESCRIPTION, CONFIGURING)

    def execute(self, call: Call, request: ModifyVpnGatewayAttributeRequest) -> ModifyVpnGatewayAttributeResponse:
        row = find_gateway(call, request.vpn_gateway_id)
        changed = change_attributes(call, row, request)
        facts = facts_of(changed)
        told = {name: facts[name] for name in _MODIFY_FIELDS if name in facts}
        return ModifyVpnGatewayAttributeResponse(**told, intranet_ip=dotted(row.master_private))


_MODIFY_FIELDS = ModifyVpnGatewayAttributeResponse.__struct_fields__


class Changes(Protocol):
    """What of a gateway is to be changed; None stays as it is."""

    @property
    def name(self) -> str | None: ...

    @property
    def description(self) -> str | None: ...

    @property
    def auto_propagate(self) -> bool | None: ...


def change_attributes(call: Call, row: GatewayView, changes: Changes) -> GatewayView:
    """Change a gateway, and have its hosts bring about what concerns them. Gives it as stored. Raises ApiError."""
    check_changeable(call, row)
    auto_propagate = row.auto_propagate if changes.auto_propagate is None else changes.auto_propagate
    if row.auto_propagate and not auto_propagate:
        connection = tunnels.one_with_bgp(call.transaction, row.id)
        if connection is not None:
            rule = f"cannot be switched off while a connection has BGP, as {connection} has"
            raise invalid_parameter("AutoPropagate", "false", rule)
    changed = msgspec.structs.replace(
        row,
        name=row.name if changes.name is None else changes.name,
        description=row.description if changes.description is None else changes.description,
        auto_propagate=auto_propagate,
    )
    if auto_propagate != row.auto_propagate:
        (changed,) = want_anew(call, [changed], "route propagation changes", [row.vpc_id])
    else:
        gateways.change(call.transaction, changed)
    return changed
