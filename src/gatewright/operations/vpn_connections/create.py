"""CreateVpnConnection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from gatewright.errors import ErrorRow, invalid_parameter, missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.customer_gateways.facts import NOT_FOUND as CUSTOMER_GATEWAY_NOT_FOUND
from gatewright.operations.declaration import Access, Count, Length, Operation, Parameter, Request, Response
from gatewright.operations.tags import LONGEST_NEW_KEY, TAG_ERRORS, ResourceType, Tags, add_tags, check_tags
from gatewright.operations.vpn_connections import forms, health
from gatewright.operations.vpn_connections.configs import (
    BgpConfig,
    GatewayTunnelOptions,
    HealthCheckConfig,
    IkeConfig,
    IpsecConfig,
    Role,
)
from gatewright.operations.vpn_connections.making import new_connection, new_tunnels
from gatewright.operations.vpn_connections.subnets import LocalSubnet, RemoteSubnet, joined
from gatewright.operations.vpn_connections.wishes import (
    ALREADY_EXISTS,
    Peer,
    Wish,
    check_algorithms,
    check_apart,
    check_bgp,
    numbered,
    peer_of,
)
from gatewright.operations.vpn_gateways.facts import NOT_FOUND as GATEWAY_NOT_FOUND
from gatewright.operations.vpn_gateways.facts import find_gateway
from gatewright.operations.vpn_gateways.updating import CONFIGURING, check_changeable, want_anew
from gatewright.operations.vpn_routes.automatic import AUTOMATIC_ERRORS, settle_policies
from gatewright.reconcile.telling import of_connection
from gatewright.resources.connection_status import UNSEEN
from gatewright.store import connections, events, gateways, tunnels
from gatewright.store.gateways import GatewayView

QUOTA_FULL = ErrorRow(
    400,
    "Resource.QuotaFull",
    "The quota of resource is full",
    "Delete connections of the gateway, or raise the quota (GATEWRIGHT_QUOTA_VPN_CONNECTIONS).",
)


class NewTunnel(GatewayTunnelOptions, kw_only=True, frozen=True):
    """One of two tunnels."""

    role: Role = None


class CreateVpnConnectionRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str, Parameter()]
    local_subnet: LocalSubnet
    remote_subnet: RemoteSubnet
    name: Annotated[str | None, Parameter(Length(1, 100))] = None
    auto_config_route: Annotated[bool, Parameter()] = True
    effect_immediately: Annotated[bool, Parameter()] = False
    customer_gateway_id: Annotated[str | None, Parameter()] = None
    ike_config: Annotated[IkeConfig | None, Parameter(text=True)] = None
    ipsec_config: Annotated[IpsecConfig | None, Parameter(text=True)] = None
    bgp_config: Annotated[BgpConfig | None, Parameter(text=True)] = None
    health_check_config: Annotated[HealthCheckConfig | None, Parameter(text=True)] = None
    enable_dpd: Annotated[bool | None, Parameter()] = None
    enable_nat_traversal: Annotated[bool | None, Parameter()] = None
    remote_ca_certificate: Annotated[str | None, Parameter()] = None
    enable_tunnels_bgp: Annotated[bool, Parameter()] = False
    tunnel_options_specification: Annotated[tuple[NewTunnel, ...], Parameter(Count(2))] = ()
    tags: Tags = ()
    dry_run: Annotated[bool, Parameter()] = False
    client_token: ClientToken = None


class CreateVpnConnectionResponse(Response, kw_only=True):
    vpn_connection_id: str
    name: str
    create_time: int


class CreateVpnConnection(Operation[CreateVpnConnectionRequest, CreateVpnConnectionResponse]):
    """Connect a VPN gateway with customer gateways: by one tunnel, or on a dual-tunnel gateway by two.

    One tunnel is told flat, two in ``TunnelOptionsSpecification``, a ``master`` and a ``slave``, whose order is kept.
    A pre-shared key that is left out is made up, and told by DescribeVpnConnection. Identities that are left out are
    the addresses of the two ends. With both subnets ``0.0.0.0/0`` routes decide what goes through, otherwise the
    subnets do. The connection is ``updating`` until the gateway's hosts have it, then ``active``. A name that is left
    out stays empty (*assumed*). ``AutoConfigRoute`` makes a policy-based route for each pair of a local and a remote
    network; a standby one where another connection has the active one of these networks (*assumed*).
    """

    access = Access.WRITE
    errors = (
        GATEWAY_NOT_FOUND,
        CUSTOMER_GATEWAY_NOT_FOUND,
        CONFIGURING,
        ALREADY_EXISTS,
        QUOTA_FULL,
        *AUTOMATIC_ERRORS,
        *TAG_ERRORS,
    )

    def validate(self, request: CreateVpnConnectionRequest) -> None:
        check_tags(request.tags, "Tags", LONGEST_NEW_KEY)
        forms.refuse_certificates(request.remote_ca_certificate, request.tunnel_options_specification)
        if request.tunnel_options_specification:
            _check_roles(request.tunnel_options_specification)
        if request.health_check_config is not None:
            checked = health.fields(request.health_check_config, health.OFF)
            health.check(checked, joined(request.local_subnet), joined(request.remote_subnet))

    def execute(self, call: Call, request: CreateVpnConnectionRequest) -> CreateVpnConnectionResponse:
        gateway = find_gateway(call, request.vpn_gateway_id)
        wishes = _wishes(request, gateway)
        peers = [peer_of(call, wish) for wish in wishes]
        check_changeable(call, gateway)
        _check_able(gateway)
        return self._create(call, request, gateway, wishes, peers)

    def _create(
        self,
        call: Call,
        request: CreateVpnConnectionRequest,
        gateway: GatewayView,
        wishes: Sequence[Wish],
        peers: Sequence[Peer],
    ) -> CreateVpnConnectionResponse:
        transaction = call.transaction
        ends = {row.role: row.id for row in gateways.instances_of(transaction, [gateway.id])}
        row = new_connection(
            call,
            request,
            region_id=gateway.region_id,
            resource_group_id=gateway.resource_group_id,
            gateway_id=gateway.id,
            attach_type="VPNGW",
            network_type=gateway.network_type,
            tunnel_bandwidth="",
            dual=len(wishes) == 2,
        )
        rows = new_tunnels(call, request, row, wishes, [ends[wish.role] for wish in wishes])
        others = tunnels.beside(transaction, gateway.id)
        check_algorithms(call, wishes, rows)
        check_bgp(wishes, rows, peers)
        check_apart(wishes, rows, peers, others)
        quota = call.installation.quotas.vpn_connections
        if connections.count(transaction, gateway.id) >= quota:
            raise QUOTA_FULL("VpnGatewayId", gateway.id, f"has {quota} IPsec connections, its quota")
        connections.add(transaction, row)
        tunnels.add(transaction, numbered(rows, others))
        add_tags(call, ResourceType.VPN_CONNECTION, row.region_id, row.id, request.tags)
        events.add(transaction, [of_connection(row, None, UNSEEN.status, call.now)])
        settle_policies(call, gateway, row)
        want_anew(call, [gateway], f"connection {row.id} is new", [gateway.vpc_id])
        return CreateVpnConnectionResponse(vpn_connection_id=row.id, name=row.name, create_time=row.created_at)


def _check_roles(given: Sequence[NewTunnel]) -> None:
    for number, options in enumerate(given, 1):
        if options.role is None:
            raise missing_parameter(f"{forms.OPTIONS}.{number}.Role")
        if options.customer_gateway_id is None:
            raise missing_parameter(f"{forms.OPTIONS}.{number}.CustomerGatewayId")
    roles = ", ".join(options.role or "" for options in given)
    if sorted(roles.split(", ")) != ["master", "slave"]:
        raise invalid_parameter(forms.OPTIONS, roles, "must have two tunnels, one with Role master and one with slave")


def _wishes(request: CreateVpnConnectionRequest, gateway: GatewayView) -> list[Wish]:
    """What is wanted of each tunnel, told as the gateway needs it. Raises ApiError."""
    options = request.tunnel_options_specification
    if gateway.disaster_recovery_vswitch_id is None:
        forms.refuse_options(options, request.enable_tunnels_bgp, gateway.id)
        if request.customer_gateway_id is None:
            raise missing_parameter("CustomerGatewayId")
        return [forms.flat(request, request.customer_gateway_id)]
    forms.refuse_flat(request, gateway.id)
    if not options:
        raise missing_parameter(forms.OPTIONS)
    return [forms.of_tunnel(number, each, each.role or "") for number, each in enumerate(options, 1)]


def _check_able(gateway: GatewayView) -> None:
    """Refuse gateways that no connection can be made on. Raises ApiError."""
    if not gateway.enable_ipsec:
        raise invalid_parameter("VpnGatewayId", gateway.id, "was ordered with EnableIpsec false")
    if gateway.vpn_type != "Normal":
        raise invalid_parameter(
            "VpnGatewayId",
            gateway.id,
            f"has VpnType {gateway.vpn_type}, whose SM algorithms are not served: order one with VpnType Normal",
        )
