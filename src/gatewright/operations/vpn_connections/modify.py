"""ModifyVpnConnectionAttribute."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.customer_gateways.facts import NOT_FOUND as CUSTOMER_GATEWAY_NOT_FOUND
from gatewright.operations.declaration import Access, Count, Length, Operation, Parameter, Request, Response
from gatewright.operations.vpn_connections import forms
from gatewright.operations.vpn_connections.changing import change_as_asked
from gatewright.operations.vpn_connections.configs import (
    BgpConfig,
    GatewayTunnelOptions,
    HealthCheckConfig,
    IkeConfig,
    IpsecConfig,
    Role,
)
from gatewright.operations.vpn_connections.facts import (
    NOT_FOUND,
    changed_facts,
    changed_tunnel,
    find_of_a_gateway,
    health_facts,
    states_of,
)
from gatewright.operations.vpn_connections.parts import (
    ChangedBgpPart,
    ChangedTunnelList,
    HealthPart,
    IkePart,
    IpsecPart,
)
from gatewright.operations.vpn_connections.subnets import NewLocalSubnet, NewRemoteSubnet
from gatewright.operations.vpn_connections.wishes import ALREADY_EXISTS
from gatewright.operations.vpn_gateways.updating import CONFIGURING
from gatewright.operations.vpn_routes.automatic import AUTOMATIC_ERRORS

INVALID_NAME = ErrorRow(400, "InvalidName", "The name is not valid")


class ChangedTunnel(GatewayTunnelOptions, kw_only=True, frozen=True):
    """One of two tunnels, named by its id or its role."""

    tunnel_id: Annotated[str | None, Parameter()] = None
    role: Role = None


class ModifyVpnConnectionAttributeRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]
    name: Annotated[str | None, Parameter(Length(1, 100, INVALID_NAME))] = None
    local_subnet: NewLocalSubnet = None
    remote_subnet: NewRemoteSubnet = None
    auto_config_route: Annotated[bool | None, Parameter()] = None
    effect_immediately: Annotated[bool | None, Parameter()] = None
    ike_config: Annotated[IkeConfig | None, Parameter(text=True)] = None
    ipsec_config: Annotated[IpsecConfig | None, Parameter(text=True)] = None
    bgp_config: Annotated[BgpConfig | None, Parameter(text=True)] = None
    health_check_config: Annotated[HealthCheckConfig | None, Parameter(text=True)] = None
    enable_dpd: Annotated[bool | None, Parameter()] = None
    enable_nat_traversal: Annotated[bool | None, Parameter()] = None
    remote_ca_certificate: Annotated[str | None, Parameter()] = None
    enable_tunnels_bgp: Annotated[bool | None, Parameter()] = None
    tunnel_options_specification: Annotated[tuple[ChangedTunnel, ...], Parameter(Count(2))] = ()
    client_token: ClientToken = None


class ModifyVpnConnectionAttributeResponse(Response, kw_only=True):
    vpn_connection_id: str
    vpn_gateway_id: str
    name: str
    resource_group_id: str
    create_time: int
    local_subnet: str
    remote_subnet: str
    effect_immediately: bool
    enable_tunnels_bgp: bool
    customer_gateway_id: str | None = None
    enable_dpd: bool | None = None
    enable_nat_traversal: bool | None = None
    ike_config: IkePart | None = None
    ipsec_config: IpsecPart | None = None
    vco_health_check: HealthPart | None = None
    vpn_bgp_config: ChangedBgpPart | None = None
    tunnel_options_specification: ChangedTunnelList


class ModifyVpnConnectionAttribute(
    Operation[ModifyVpnConnectionAttributeRequest, ModifyVpnConnectionAttributeResponse]
):
    """Change a connection. What is not given stays as it is, key by key inside of objects too (*assumed*).

    Of two tunnels each is named by its ``TunnelId`` or its ``Role``; one that is not named stays, and stays up. A new
    name changes nothing on a host; anything else makes the gateway ``updating`` until its hosts have it, and what was
    seen of tunnels that are negotiated anew, or of their BGP or health checks where just these change, does not count
    any more. Policies that it has made by itself follow its
    networks; one that takes the place of a published one is published (*assumed*).
    """

    access = Access.WRITE
    errors = (NOT_FOUND, CUSTOMER_GATEWAY_NOT_FOUND, CONFIGURING, ALREADY_EXISTS, *AUTOMATIC_ERRORS)

    def validate(self, request: ModifyVpnConnectionAttributeRequest) -> None:
        forms.refuse_certificates(request.remote_ca_certificate, request.tunnel_options_specification)

    def execute(self, call: Call, request: ModifyVpnConnectionAttributeRequest) -> ModifyVpnConnectionAttributeResponse:
        row = find_of_a_gateway(call, request.vpn_connection_id)
        after, ends = change_as_asked(call, row, request)
        state = states_of(call, [after])[after.id]
        return ModifyVpnConnectionAttributeResponse(
            **changed_facts(call, after, ends),
            vco_health_check=None if after.dual_tunnel else HealthPart(**health_facts(after)),
            tunnel_options_specification=ChangedTunnelList(
                tunnel_options=[changed_tunnel(call, each, state) for each in ends] if after.dual_tunnel else []
            ),
        )
