"""Deviations of the operations on attachments."""

from __future__ import annotations

from gatewright.operations.customer_gateways.facts import NOT_FOUND as CUSTOMER_GATEWAY_NOT_FOUND
from gatewright.operations.deviations.entries import Deviation, Difference, Kind, answers, not_told
from gatewright.operations.vpn_attachments.create import QUOTA_FULL
from gatewright.operations.vpn_attachments.routes import QUOTA_FULL as ROUTES_FULL
from gatewright.operations.vpn_connections.facts import NOT_FOUND
from gatewright.operations.vpn_connections.modify import INVALID_NAME
from gatewright.operations.vpn_connections.subnets import LOCAL_SUBNET, REMOTE_SUBNET
from gatewright.operations.vpn_routes.facts import ALREADY_EXISTS, ROUTE_NOT_FOUND

_TRANSIT = "It tells of a transit router, which there is none of here."
_SDK = "alibabacloud_vpc20160428 7.2.2"
_NO_TABLE = "No error table is known; what is wrong is told as the operations on connections of gateways tell it."

ENTRIES: tuple[Deviation, ...] = (
    *(
        Deviation(
            Difference("CreateVpnAttachment", Kind.REQUEST, name, "not in the reference"),
            reason="Terraform's provider sends it.",
            source="terraform-provider-alicloud 1.289.0",
        )
        for name in ("Tag", "TunnelOptionsSpecification[].Role")
    ),
    Deviation(
        Difference(
            "ModifyVpnAttachmentAttribute", Kind.REQUEST, "TunnelOptionsSpecification[].Role", "not in the reference"
        ),
        reason="Terraform's provider sends it.",
        source="terraform-provider-alicloud 1.289.0",
    ),
    *not_told(
        "DescribeVpnAttachments",
        "VpnAttachments[].TransitRouterId",
        "VpnAttachments[].TransitRouterName",
        reason=_TRANSIT,
        source=_SDK,
    ),
    *not_told("ModifyVpnAttachmentAttribute", "AttachInstanceId", reason=_TRANSIT, source=_SDK),
    *(
        deviation
        for operation, path in (
            ("DescribeVpnAttachments", "VpnAttachments[].Description"),
            ("ModifyVpnAttachmentAttribute", "Description"),
        )
        for deviation in not_told(
            operation, path, reason="An attachment has a name and no description: no operation takes one.", source=_SDK
        )
    ),
    *answers(
        ("CreateVpnAttachment",),
        (CUSTOMER_GATEWAY_NOT_FOUND, LOCAL_SUBNET, REMOTE_SUBNET, INVALID_NAME, QUOTA_FULL),
        reason=_NO_TABLE,
        source="error table of CreateVpnConnection",
    ),
    *answers(
        ("ModifyVpnAttachmentAttribute",),
        (NOT_FOUND, CUSTOMER_GATEWAY_NOT_FOUND, LOCAL_SUBNET, REMOTE_SUBNET, INVALID_NAME),
        reason=_NO_TABLE,
        source="error table of ModifyVpnConnectionAttribute",
    ),
    *answers(
        ("DeleteVpnAttachment", "DescribeVpnCrossAccountAuthorizations"),
        (NOT_FOUND,),
        reason=_NO_TABLE,
        source="error table of DeleteVpnConnection",
    ),
    *answers(
        ("CreateVcoRouteEntry", "DeleteVcoRouteEntry", "ModifyVcoRouteEntryWeight", "DescribeVcoRouteEntries"),
        (NOT_FOUND,),
        reason=_NO_TABLE,
        source="error table of DeleteVpnConnection",
    ),
    *answers(
        ("CreateVcoRouteEntry",),
        (ALREADY_EXISTS, ROUTES_FULL),
        reason="No error table is known; what is wrong with a route is told as CreateVpnRouteEntry tells it.",
        source="error table of CreateVpnRouteEntry",
    ),
    *answers(
        ("DeleteVcoRouteEntry", "ModifyVcoRouteEntryWeight"),
        (ROUTE_NOT_FOUND,),
        reason="No error table is known; Terraform's provider takes status 404 for a route that is gone.",
        source="terraform-provider-alicloud 1.289.0, alicloud_vpn_gateway_vco_route",
    ),
    *not_told(
        "DescribeVcoRouteEntries",
        *(f"VcoRouteEntries[].{name}" for name in ("AsPath", "Community", "Source")),
        "VpnRouteCounts[].Source",
        reason="It is told of routes that are learnt by BGP, and nothing is learnt through tunnels that are never up.",
        source=_SDK,
    ),
    *not_told(
        "DescribeVcoRouteEntries",
        "VcoRouteEntries[].NextHopTunnelIdList",
        reason="It names tunnels that are up, and an attachment's never are.",
        source=_SDK,
    ),
)
