"""CreateVpnAttachment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow, missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.customer_gateways.facts import NOT_FOUND as CUSTOMER_GATEWAY_NOT_FOUND
from gatewright.operations.declaration import Access, Count, Length, OneOf, Operation, Parameter, Request, Response
from gatewright.operations.resource_groups import NO_SUCH_GROUP, group_for
from gatewright.operations.tags import LONGEST_NEW_KEY, TAG_ERRORS, ResourceType, Tags, add_tags, check_tags
from gatewright.operations.vpn_attachments.delete import SUCCEEDED, SUCCESSFUL
from gatewright.operations.vpn_attachments.tunnels import AttachmentTunnel, NewTunnel, check_pair, new_pair
from gatewright.operations.vpn_connections import forms, health
from gatewright.operations.vpn_connections.configs import BgpConfig, HealthCheckConfig, IkeConfig, IpsecConfig
from gatewright.operations.vpn_connections.facts import TUNNEL_BANDWIDTHS
from gatewright.operations.vpn_connections.making import new_connection, new_tunnels
from gatewright.operations.vpn_connections.modify import INVALID_NAME
from gatewright.operations.vpn_connections.subnets import LOCAL_SUBNET, REMOTE_SUBNET, LocalSubnet, RemoteSubnet, joined
from gatewright.operations.vpn_connections.wishes import Peer, check_algorithms, check_bgp, peer_of
from gatewright.reconcile.telling import of_connection
from gatewright.resources.connection_status import UNSEEN
from gatewright.store import connections, events, tunnels

QUOTA_FULL = ErrorRow(
    400,
    "Resource.QuotaFull",
    "The quota of resource is full",
    "Delete attachments of the region, or raise the quota (GATEWRIGHT_QUOTA_VPN_ATTACHMENTS).",
)
#: ``AttachType`` of what is attached to nothing.
NO_ASSOCIATED = "NO_ASSOCIATED"


class CreateVpnAttachmentRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    local_subnet: LocalSubnet
    remote_subnet: RemoteSubnet
    name: Annotated[str | None, Parameter(Length(1, 100, INVALID_NAME))] = None
    network_type: Annotated[str, Parameter(OneOf("public", "private"))] = "public"
    auto_config_route: Annotated[bool, Parameter()] = True
    effect_immediately: Annotated[bool, Parameter()] = False
    customer_gateway_id: Annotated[str | None, Parameter()] = None
    ike_config: Annotated[IkeConfig | None, Parameter(text=True)] = None
    ipsec_config: Annotated[IpsecConfig | None, Parameter(text=True)] = None
    bgp_config: Annotated[BgpConfig | None, Parameter(text=True)] = None
    health_check_config: Annotated[HealthCheckConfig | None, Parameter(text=True)] = None
    enable_dpd: Annotated[bool | None, Parameter()] = None
    enable_nat_traversal: Annotated[bool | None, Parameter()] = None
    remote_ca_cert: Annotated[str | None, Parameter()] = None
    enable_tunnels_bgp: Annotated[bool, Parameter()] = False
    tunnel_bandwidth: Annotated[str, Parameter(OneOf(*TUNNEL_BANDWIDTHS))] = "Standard"
    tunnel_options_specification: Annotated[tuple[AttachmentTunnel, ...], Parameter(Count(2))] = ()
    resource_group_id: Annotated[str | None, Parameter()] = None
    tags: Tags = ()
    tag: Tags = ()
    dry_run: Annotated[bool, Parameter()] = False
    client_token: ClientToken = None


class CreateVpnAttachmentResponse(Response, kw_only=True):
    vpn_connection_id: str
    name: str
    create_time: int
    code: str
    message: str
    success: bool


class CreateVpnAttachment(Operation[CreateVpnAttachmentRequest, CreateVpnAttachmentResponse]):
    """Make an IPsec connection without a VPN gateway, for a transit router to be attached to.

    There are no transit routers here, so it stays ``NO_ASSOCIATED`` in the state ``init``: it is stored, told and
    changed, but nothing carries it, and its tunnels are never up. It has one tunnel that is told flat, or two in
    ``TunnelOptionsSpecification``; those are equals, told apart by ``TunnelIndex``, which is their order where it is
    left out. Two tunnels have IKEv2 and SHA-1 by default, one has IKEv1 and MD5. ``RemoteCaCert`` means nothing.
    ``Role`` of a tunnel and ``Tag``, which Terraform's provider sends, are taken too.
    """

    access = Access.WRITE
    errors = (
        CUSTOMER_GATEWAY_NOT_FOUND,
        LOCAL_SUBNET,
        REMOTE_SUBNET,
        INVALID_NAME,
        QUOTA_FULL,
        NO_SUCH_GROUP,
        *TAG_ERRORS,
    )

    def validate(self, request: CreateVpnAttachmentRequest) -> None:
        check_tags(request.tags, "Tags", LONGEST_NEW_KEY)
        check_tags(request.tag)
        check_tags((*request.tags, *request.tag), "Tags", LONGEST_NEW_KEY)
        if request.tunnel_options_specification:
            forms.refuse_flat(request, "the attachment")
            check_pair(request.tunnel_options_specification)
            new_pair(request.tunnel_options_specification)
        else:
            forms.refuse_options((), request.enable_tunnels_bgp, "the attachment")
            if request.customer_gateway_id is None:
                raise missing_parameter("CustomerGatewayId")
        if request.health_check_config is not None:
            checked = health.fields(request.health_check_config, health.OFF)
            health.check(checked, joined(request.local_subnet), joined(request.remote_subnet))

    def execute(self, call: Call, request: CreateVpnAttachmentRequest) -> CreateVpnAttachmentResponse:
        wanted = _wanted(request)
        peers = [peer_of(call, each.wish) for each in wanted]
        group_id = group_for(call, request.resource_group_id)
        return self._create(call, request, wanted, peers, group_id)

    def _create(
        self,
        call: Call,
        request: CreateVpnAttachmentRequest,
        wanted: Sequence[NewTunnel],
        peers: Sequence[Peer],
        group_id: str,
    ) -> CreateVpnAttachmentResponse:
        transaction, region_id = call.transaction, call.region.id
        wishes = [each.wish for each in wanted]
        row = new_connection(
            call,
            request,
            region_id=region_id,
            resource_group_id=group_id,
            gateway_id=None,
            attach_type=NO_ASSOCIATED,
            network_type=request.network_type,
            tunnel_bandwidth=request.tunnel_bandwidth,
            dual=len(wanted) == 2,
        )
        plain = new_tunnels(call, request, row, wishes, [None for _ in wishes])
        rows = [msgspec.structs.replace(end, number=each.index) for end, each in zip(plain, wanted, strict=True)]
        check_algorithms(call, wishes, rows)
        check_bgp(wishes, rows, peers)
        quota = call.installation.quotas.vpn_attachments
        if connections.count_attachments(transaction, call.account_id, region_id) >= quota:
            raise QUOTA_FULL.because(f"The account has {quota} attachments in {region_id}, which is its quota.")
        connections.add(transaction, row)
        tunnels.add(transaction, rows)
        add_tags(call, ResourceType.VPN_ATTACHMENT, region_id, row.id, (*request.tags, *request.tag))
        events.add(transaction, [of_connection(row, None, UNSEEN.status, call.now)])
        return CreateVpnAttachmentResponse(
            vpn_connection_id=row.id,
            name=row.name,
            create_time=row.created_at,
            code=SUCCEEDED,
            message=SUCCESSFUL,
            success=True,
        )


def _wanted(request: CreateVpnAttachmentRequest) -> list[NewTunnel]:
    if request.tunnel_options_specification:
        return new_pair(request.tunnel_options_specification)
    return [NewTunnel(forms.flat(request, request.customer_gateway_id), 1)]
