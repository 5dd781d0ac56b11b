"""CreateEnhancedVpnGateway, UpdateEnhancedVpnGateway and DeleteEnhancedVpnGateway."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import (
    Access,
    Length,
    Matches,
    OneOf,
    Operation,
    Parameter,
    Request,
    Response,
)
from gatewright.operations.tags import TagList
from gatewright.operations.vpn_gateways.building import BUILDING_ERRORS, Order, build
from gatewright.operations.vpn_gateways.create import INVALID_NAME
from gatewright.operations.vpn_gateways.delete import CONNECTIONS_LEFT, release
from gatewright.operations.vpn_gateways.facts import (
    ENHANCED,
    NAME_PATTERN,
    NAME_RULE,
    NOT_FOUND,
    EniInstanceIds,
    facts_of,
    find_gateway,
)
from gatewright.operations.vpn_gateways.modify import INVALID_DESCRIPTION, MODIFY_INVALID_NAME, change_attributes
from gatewright.operations.vpn_gateways.siting import ZONE_UNSUPPORTED
from gatewright.operations.vpn_gateways.updating import CONFIGURING
from gatewright.store import tags
from gatewright.store.gateways import GatewayView


def _find(call: Call, gateway_id: str) -> GatewayView:
    """The account's enhanced gateway. Raises InvalidVpnGatewayInstanceId.NotFound."""
    row = find_gateway(call, gateway_id)
    if row.gateway_type != ENHANCED:
        raise NOT_FOUND("VpnGatewayId", gateway_id, f"is a gateway of the type {row.gateway_type}, not {ENHANCED}")
    return row


class CreateEnhancedVpnGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpc_id: Annotated[str, Parameter()]
    gateway_type: Annotated[str, Parameter(OneOf(ENHANCED))]
    vswitch_id: Annotated[str | None, Parameter(name="VSwitchId")] = None
    disaster_recovery_vswitch_id: Annotated[str, Parameter()]
    name: Annotated[str | None, Parameter(Matches(NAME_PATTERN, NAME_RULE, error=INVALID_NAME))] = None
    network_type: Annotated[str, Parameter(OneOf("public"))] = "public"
    vpn_type: Annotated[str, Parameter(OneOf("Normal"))] = "Normal"
    resource_group_id: Annotated[str | None, Parameter()] = None
    client_token: ClientToken = None


class CreateEnhancedVpnGatewayResponse(Response, kw_only=True):
    vpn_gateway_id: str
    name: str


class CreateEnhancedVpnGateway(Operation[CreateEnhancedVpnGatewayRequest, CreateEnhancedVpnGatewayResponse]):
    """Order an enhanced gateway: IPsec-VPN with two tunnels, without SSL-VPN, pay-as-you-go.

    It has no bandwidth of its own to order, and gets the largest that its region offers (*assumed*). Otherwise it is
    built as CreateVpnGateway builds one, counts towards the same quota, and is described by the same operations; those
    that change and delete a gateway take it too (*assumed*). Where gateways have one tunnel there are none (*assumed*).
    """

    access = Access.WRITE
    errors = (*BUILDING_ERRORS, INVALID_NAME)

    def validate(self, request: CreateEnhancedVpnGatewayRequest) -> None:
        if request.vswitch_id is None:
            raise missing_parameter("VSwitchId")

    def execute(self, call: Call, request: CreateEnhancedVpnGatewayRequest) -> CreateEnhancedVpnGatewayResponse:
        if not call.region.dual_tunnel:
            raise ZONE_UNSUPPORTED("RegionId", call.region.id, "has gateways with one tunnel; an enhanced one has two")
        row = build(
            call,
            Order(
                gateway_type=request.gateway_type,
                vpc_id=request.vpc_id,
                vswitch_id=request.vswitch_id,
                disaster_recovery_vswitch_id=request.disaster_recovery_vswitch_id,
                network_type=request.network_type,
                vpn_type=request.vpn_type,
                name=request.name,
                bandwidth=max(call.region.bandwidths(request.network_type)),
                resource_group_id=request.resource_group_id,
            ),
        )
        return CreateEnhancedVpnGatewayResponse(vpn_gateway_id=row.id, name=row.name)


class UpdateEnhancedVpnGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str, Parameter()]
    name: Annotated[str | None, Parameter(Matches(NAME_PATTERN, NAME_RULE, error=MODIFY_INVALID_NAME))] = None
    description: Annotated[str | None, Parameter(Length(1, 100, INVALID_DESCRIPTION))] = None
    auto_propagate: Annotated[bool | None, Parameter()] = None
    client_token: ClientToken = None


class UpdateEnhancedVpnGatewayResponse(Response, kw_only=True):
    vpn_gateway_id: str
    name: str
    description: str
    status: str
    gateway_type: str
    network_type: str
    vpn_type: str
    vpc_id: str
    vswitch_id: str
    disaster_recovery_vswitch_id: str
    enable_bgp: bool
    auto_propagate: bool
    create_time: int
    resource_group_id: str
    eni_instance_ids: EniInstanceIds
    tag: str
    tags: TagList


_TOLD = UpdateEnhancedVpnGatewayResponse.__struct_fields__


class UpdateEnhancedVpnGateway(Operation[UpdateEnhancedVpnGatewayRequest, UpdateEnhancedVpnGatewayResponse]):
    """Change name, description or route propagation of an enhanced gateway, as ModifyVpnGatewayAttribute does."""

    access = Access.WRITE
    errors = (NOT_FOUND, MODIFY_INVALID_NAME, INVALID_DESCRIPTION, CONFIGURING)

    def execute(self, call: Call, request: UpdateEnhancedVpnGatewayRequest) -> UpdateEnhancedVpnGatewayResponse:
        row = change_attributes(call, _find(call, request.vpn_gateway_id), request)
        facts = facts_of(row, tags.of(call.transaction, [row.id]).get(row.id, ()))
        return UpdateEnhancedVpnGatewayResponse(**{name: facts[name] for name in _TOLD if name in facts})


class DeleteEnhancedVpnGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str, Parameter()]
    client_token: ClientToken = None


class DeleteEnhancedVpnGatewayResponse(Response, kw_only=True):
    pass


class DeleteEnhancedVpnGateway(Operation[DeleteEnhancedVpnGatewayRequest, DeleteEnhancedVpnGatewayResponse]):
    """Delete an enhanced gateway, as DeleteVpnGateway does."""

    access = Access.WRITE
    errors = (NOT_FOUND, CONNECTIONS_LEFT)

    def execute(self, call: Call, request: DeleteEnhancedVpnGatewayRequest) -> DeleteEnhancedVpnGatewayResponse:
        release(call, _find(call, request.vpn_gateway_id))
        return DeleteEnhancedVpnGatewayResponse()
