"""ModifyVpnConnectionAttribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from gatewright.errors import ErrorRow, invalid_parameter, missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.customer_gateways.facts import NOT_FOUND as CUSTOMER_GATEWAY_NOT_FOUND
from gatewright.operations.declaration import Access, Count, Length, Operation, Parameter, Request, Response
from gatewright.operations.vpn_connections import forms, health
from gatewright.operations.vpn_connections.changing import change
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
    bgp_facts,
    changed_tunnel,
    find_of_a_gateway,
    health_facts,
    ike_part,
    ipsec_part,
    states_of,
    wire_bool,
)
from gatewright.operations.vpn_connections.parts import (
    ChangedBgpPart,
    ChangedTunnelList,
    HealthPart,
    IkePart,
    IpsecPart,
)
from gatewright.operations.vpn_connections.subnets import NewLocalSubnet, NewRemoteSubnet, joined
from gatewright.operations.vpn_connections.wishes import ALREADY_EXISTS, Wish
from gatewright.operations.vpn_gateways.updating import CONFIGURING
from gatewright.operations.vpn_routes.automatic import AUTOMATIC_ERRORS
from gatewright.store import tunnels
from gatewright.store.connections import ConnectionView
from gatewright.store.tunnels import TunnelView

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
        ends = tunnels.of_connections(call.transaction, [row.id])[row.id]
        fields = {
            "name": request.name,
            "local_subnets": None if request.local_subnet is None else joined(request.local_subnet),
            "remote_subnets": None if request.remote_subnet is None else joined(request.remote_subnet),
            "auto_config_route": request.auto_config_route,
            "effect_immediately": request.effect_immediately,
        }
        if row.dual_tunnel:
            forms.refuse_flat(request, row.id)
            wishes, bgp = _wishes(request, ends), request.enable_tunnels_bgp
        else:
            forms.refuse_options(request.tunnel_options_specification, row.id)
            wishes = {ends[0].id: forms.flat(request)}
            bgp = None if request.bgp_config is None else request.bgp_config.enable_bgp
            checked = health.fields(request.health_check_config, health.fields_of(row))
            health.check(checked)
            fields |= checked
        after, ends = change(call, row, ends, wishes, fields, bgp=bgp)
        return _told(call, after, ends)


def _wishes(request: ModifyVpnConnectionAttributeRequest, ends: Sequence[TunnelView]) -> dict[str, Wish]:
    """What is wanted of each tunnel that is named, by its id. Raises ApiError."""
    found: dict[str, Wish] = {}
    for number, options in enumerate(request.tunnel_options_specification, 1):
        prefix = f"{forms.OPTIONS}.{number}."
        if options.tunnel_id is None and options.role is None:
            raise missing_parameter(f"{prefix}TunnelId")
        matching = [each for each in ends if options.tunnel_id in (None, each.id) and options.role in (None, each.role)]
        if len(matching) != 1:
            raise invalid_parameter(
                f"{prefix}TunnelId",
                options.tunnel_id or "",
                "names no tunnel of the connection" + (f" with Role {options.role}" if options.role else ""),
            )
        if matching[0].id in found:
            raise invalid_parameter(f"{prefix}TunnelId", matching[0].id, "is told of twice")
        found[matching[0].id] = forms.of_tunnel(number, options, matching[0].role)
    return found


def _told(call: Call, row: ConnectionView, ends: Sequence[TunnelView]) -> ModifyVpnConnectionAttributeResponse:
    state = states_of(call, [row])[row.id]
    told = ModifyVpnConnectionAttributeResponse(
        vpn_connection_id=row.id,
        vpn_gateway_id=row.gateway_id or "",
        name=row.name,
        resource_group_id=row.gateway_group_id or row.resource_group_id,
        create_time=row.created_at,
        local_subnet=row.local_subnets,
        remote_subnet=row.remote_subnets,
        effect_immediately=row.effect_immediately,
        enable_tunnels_bgp=row.enable_tunnels_bgp,
        tunnel_options_specification=ChangedTunnelList(
            tunnel_options=[changed_tunnel(call, each, state) for each in ends] if row.dual_tunnel else []
        ),
    )
    if not row.dual_tunnel:
        (only,) = ends
        told.customer_gateway_id = only.customer_gateway_id
        told.enable_dpd, told.enable_nat_traversal = only.enable_dpd, only.enable_nat_traversal
        told.ike_config, told.ipsec_config = ike_part(call, only), ipsec_part(only)
        told.vco_health_check = HealthPart(**health_facts(row))
        told.vpn_bgp_config = ChangedBgpPart(
            **bgp_facts(only), status=only.bgp_status, enable_bgp=wire_bool(only.bgp_enabled)
        )
    return told
