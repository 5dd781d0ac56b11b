"""ModifyVpnAttachmentAttribute."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.customer_gateways.facts import NOT_FOUND as CUSTOMER_GATEWAY_NOT_FOUND
from gatewright.operations.declaration import (
    Access,
    Count,
    Length,
    OneOf,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.vpn_attachments.tunnels import ChangedAttachmentTunnel
from gatewright.operations.vpn_connections.changing import change_as_asked
from gatewright.operations.vpn_connections.configs import BgpConfig, HealthCheckConfig, IkeConfig, IpsecConfig
from gatewright.operations.vpn_connections.facts import (
    NOT_FOUND,
    bgp_facts,
    changed_facts,
    find_attachment,
    health_facts,
    spec_of,
    states_of,
    status_of,
    tunnel_facts,
)
from gatewright.operations.vpn_connections.modify import INVALID_NAME
from gatewright.operations.vpn_connections.parts import ChangedBgpPart, HealthPart, IkePart, IpsecPart, TunnelBgpPart
from gatewright.operations.vpn_connections.subnets import (
    LOCAL_SUBNET,
    REMOTE_SUBNET,
    NewLocalSubnet,
    NewRemoteSubnet,
)
from gatewright.resources.connection_status import ConnectionState
from gatewright.store.tunnels import TunnelView


class ModifyVpnAttachmentAttributeRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]
    name: Annotated[str | None, Parameter(Length(1, 100, INVALID_NAME))] = None
    network_type: Annotated[str | None, Parameter(OneOf("public", "private"))] = None
    local_subnet: NewLocalSubnet = None
    remote_subnet: NewRemoteSubnet = None
    auto_config_route: Annotated[bool | None, Parameter()] = None
    effect_immediately: Annotated[bool | None, Parameter()] = None
    customer_gateway_id: Annotated[str | None, Parameter()] = None
    ike_config: Annotated[IkeConfig | None, Parameter(text=True)] = None
    ipsec_config: Annotated[IpsecConfig | None, Parameter(text=True)] = None
    bgp_config: Annotated[BgpConfig | None, Parameter(text=True)] = None
    health_check_config: Annotated[HealthCheckConfig | None, Parameter(text=True)] = None
    enable_dpd: Annotated[bool | None, Parameter()] = None
    enable_nat_traversal: Annotated[bool | None, Parameter()] = None
    remote_ca_cert: Annotated[str | None, Parameter()] = None
    enable_tunnels_bgp: Annotated[bool | None, Parameter()] = None
    tunnel_options_specification: Annotated[tuple[ChangedAttachmentTunnel, ...], Parameter(Count(2))] = ()
    client_token: ClientToken = None


class AttachmentTunnelPart(Part, kw_only=True):
    """One of two tunnels."""

    tunnel_id: str
    tunnel_index: int
    role: str
    customer_gateway_id: str
    internet_ip: str
    enable_dpd: bool
    enable_nat_traversal: bool
    state: str
    tunnel_ike_config: IkePart
    tunnel_ipsec_config: IpsecPart
    tunnel_bgp_config: TunnelBgpPart | None = None


class AttachmentHealthPart(HealthPart, kw_only=True):
    policy: str


class ModifyVpnAttachmentAttributeResponse(Response, kw_only=True):
    vpn_connection_id: str
    vpn_gateway_id: str
    name: str
    attach_type: str
    network_type: str
    spec: str
    status: str
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
    vco_health_check: AttachmentHealthPart | None = None
    vpn_bgp_config: ChangedBgpPart | None = None
    tunnel_options_specification: list[AttachmentTunnelPart]


class ModifyVpnAttachmentAttribute(
    Operation[ModifyVpnAttachmentAttributeRequest, ModifyVpnAttachmentAttributeResponse]
):
    """Change an attachment. What is not given stays as it is, key by key inside of objects too (*assumed*).

    Of two tunnels each is named by its ``TunnelId``, its ``TunnelIndex`` or its ``Role``; one that is not named stays.
    Nothing runs an attachment here, so a change is in force at once. A connection of a VPN gateway is none.
    ``RemoteCaCert`` means nothing.
    """

    access = Access.WRITE
    errors = (NOT_FOUND, CUSTOMER_GATEWAY_NOT_FOUND, LOCAL_SUBNET, REMOTE_SUBNET, INVALID_NAME)

    def execute(self, call: Call, request: ModifyVpnAttachmentAttributeRequest) -> ModifyVpnAttachmentAttributeResponse:
        row = find_attachment(call, request.vpn_connection_id)
        after, ends = change_as_asked(
            call, row, request, customer_gateway_id=request.customer_gateway_id, network_type=request.network_type
        )
        state = states_of(call, [after])[after.id]
        return ModifyVpnAttachmentAttributeResponse(
            **changed_facts(call, after, ends),
            attach_type=after.attach_type,
            network_type=after.network_type,
            spec=spec_of(after),
            status=status_of(ends).value,
            vco_health_check=None
            if after.dual_tunnel
            else AttachmentHealthPart(**health_facts(after), policy=after.health_policy),
            tunnel_options_specification=[_tunnel(call, each, state) for each in ends] if after.dual_tunnel else [],
        )


def _tunnel(call: Call, tunnel: TunnelView, state: ConnectionState) -> AttachmentTunnelPart:
    facts = tunnel_facts(call, tunnel, state)
    del facts["zone_no"]
    bgp = TunnelBgpPart(**bgp_facts(tunnel)) if tunnel.bgp_network else None
    return AttachmentTunnelPart(**facts, tunnel_index=tunnel.number, tunnel_bgp_config=bgp)
