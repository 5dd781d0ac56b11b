"""ModifyTunnelAttribute."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import invalid_parameter
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.customer_gateways.facts import NOT_FOUND as CUSTOMER_GATEWAY_NOT_FOUND
from gatewright.operations.declaration import Access, Operation, Parameter, Request
from gatewright.operations.vpn_connections import forms
from gatewright.operations.vpn_connections.changing import change
from gatewright.operations.vpn_connections.configs import GatewayTunnelOptions
from gatewright.operations.vpn_connections.facts import NOT_FOUND, bgp_facts, find_connection, states_of, tunnel_facts
from gatewright.operations.vpn_connections.parts import ChangedOneBgpPart, TunnelPart
from gatewright.operations.vpn_connections.wishes import ALREADY_EXISTS, Wish
from gatewright.operations.vpn_gateways.updating import CONFIGURING
from gatewright.store import tunnels


class ModifyTunnelAttributeRequest(Request, kw_only=True, frozen=True):
    vpn_connection_id: Annotated[str, Parameter()]
    tunnel_id: Annotated[str, Parameter()]
    region_id: Annotated[str | None, Parameter()] = None
    tunnel_options_specification: Annotated[GatewayTunnelOptions, Parameter()] = GatewayTunnelOptions()
    client_token: ClientToken = None


class ModifyTunnelAttributeResponse(TunnelPart, kw_only=True):
    tunnel_bgp_config: ChangedOneBgpPart


class ModifyTunnelAttribute(Operation[ModifyTunnelAttributeRequest, ModifyTunnelAttributeResponse]):
    """Change one tunnel of a dual-tunnel connection. What is not given stays; the other tunnel stays, and stays up.

    Whether there is BGP is said of both tunnels at once, by ModifyVpnConnectionAttribute.
    """

    access = Access.WRITE
    errors = (NOT_FOUND, CUSTOMER_GATEWAY_NOT_FOUND, CONFIGURING, ALREADY_EXISTS)

    def validate(self, request: ModifyTunnelAttributeRequest) -> None:
        certificate = request.tunnel_options_specification.remote_ca_certificate
        if certificate is not None:
            raise invalid_parameter(f"{forms.OPTIONS}.RemoteCaCertificate", certificate, forms.SM_ONLY)

    def execute(self, call: Call, request: ModifyTunnelAttributeRequest) -> ModifyTunnelAttributeResponse:
        row = find_connection(call, request.vpn_connection_id)
        ends = tunnels.of_connections(call.transaction, [row.id])[row.id]
        if not row.dual_tunnel:
            rule = "has one tunnel: change that with ModifyVpnConnectionAttribute"
            raise invalid_parameter("VpnConnectionId", row.id, rule)
        before = next((each for each in ends if each.id == request.tunnel_id), None)
        if before is None:
            raise invalid_parameter("TunnelId", request.tunnel_id, f"names no tunnel of {row.id}")
        options, prefix = request.tunnel_options_specification, f"{forms.OPTIONS}."
        wish = Wish(before.role, options, prefix, f"{prefix}Tunnel")
        after, ends = change(call, row, ends, {before.id: wish}, {}, bgp=None)
        (tunnel,) = (each for each in ends if each.id == before.id)
        state = states_of(call, [after])[after.id]
        return ModifyTunnelAttributeResponse(
            **tunnel_facts(call, tunnel, state),
            tunnel_bgp_config=ChangedOneBgpPart(**bgp_facts(tunnel), enable_bgp=tunnel.bgp_enabled),
        )
