"""Deviations of the operations on VPN gateways' routes."""

from __future__ import annotations

from gatewright.operations.deviations.entries import Deviation, Difference, Kind, answers, not_told
from gatewright.operations.vpn_gateways.facts import NOT_FOUND as GATEWAY_NOT_FOUND
from gatewright.operations.vpn_gateways.updating import CONFIGURING
from gatewright.operations.vpn_routes.facts import ALREADY_EXISTS, CONFLICT, NEXT_HOP_NOT_FOUND, ROUTE_NOT_FOUND

_CREATE = ("CreateVpnRouteEntry", "CreateVpnPbrRouteEntry")
_CHANGE = (
    "DeleteVpnRouteEntry",
    "ModifyVpnRouteEntryWeight",
    "PublishVpnRouteEntry",
    "DeleteVpnPbrRouteEntry",
    "ModifyVpnPbrRouteEntryAttribute",
    "ModifyVpnPbrRouteEntryPriority",
    "ModifyVpnPbrRouteEntryWeight",
)

ENTRIES: tuple[Deviation, ...] = (
    *answers(
        _CREATE,
        (NEXT_HOP_NOT_FOUND,),
        reason="Its table, of 2018-2021, has no row for a next hop that there is not; this is DeleteVpnConnection's.",
        source="error table of DeleteVpnConnection",
    ),
    *answers(
        _CREATE,
        (ALREADY_EXISTS, CONFLICT),
        reason="Its table, of 2018-2021, has no row for a route that another one is in the way of.",
        source="help pages on destination-based and policy-based routes, 2025-11-21",
    ),
    *answers(
        _CHANGE,
        (ROUTE_NOT_FOUND,),
        reason="Its table, of 2018-2021, has no row for a route that there is not. Terraform's provider takes this "
        "code for a route that is gone, and wherever it lists routes status 404.",
        source="terraform-provider-alicloud 1.289.0, alicloud_vpn_route_entry",
    ),
    *answers(
        (
            "ModifyVpnRouteEntryWeight",
            "PublishVpnRouteEntry",
            "ModifyVpnPbrRouteEntryAttribute",
            "ModifyVpnPbrRouteEntryPriority",
            "ModifyVpnPbrRouteEntryWeight",
        ),
        (CONFLICT,),
        reason="Its table, of 2018-2021, has no row for a route that another one is in the way of.",
        source="help page of ModifyVpnRouteEntryWeight, 2026-01-08",
    ),
    *answers(
        ("CreateVpnConnection", "ModifyVpnConnectionAttribute"),
        (CONFLICT,),
        reason="Its table, of 2018-2021, has no row for a policy-based route of AutoConfigRoute that another one is in "
        "the way of.",
        source="help page on policy-based routes, 2024-04-24",
    ),
    *answers(
        ("DescribeVpnRouteEntries",),
        (GATEWAY_NOT_FOUND,),
        reason="Its table, of 2018-2021, has no row for a gateway that there is not. Terraform's provider takes this "
        "code for a route that is gone with its gateway.",
        source="terraform-provider-alicloud 1.289.0, alicloud_vpn_route_entry",
    ),
    *answers(
        ("DescribeVpnPbrRouteEntries", "ModifyVpnPbrRouteEntryAttribute", "ModifyVpnPbrRouteEntryPriority"),
        (GATEWAY_NOT_FOUND,),
        reason="No table was found for the operation; the row is that of its siblings.",
        source="error table of CreateVpnPbrRouteEntry",
    ),
    *answers(
        ("ModifyVpnPbrRouteEntryAttribute", "ModifyVpnPbrRouteEntryPriority"),
        (CONFIGURING,),
        reason="No table was found for the operation; the row is that of its siblings.",
        source="error table of ModifyVpnPbrRouteEntryWeight",
    ),
    Deviation(
        Difference("PublishVpnRouteEntry", Kind.REQUEST, "RouteSource", "not in the reference"),
        reason="Terraform's provider sends it with RouteType=pbr: it tells routes of one destination apart.",
        source="terraform-provider-alicloud 1.289.0, alicloud_vpn_pbr_route_entry",
    ),
    *not_told(
        "DescribeVpnRouteEntries",
        "VpnRouteEntries.VpnRouteEntry[].Source",
        "VpnRouteCounts.VpnRouteCount[].Source",
        reason="Where a route was learnt of, from a customer or from the cloud; here it is always a customer.",
        source="help page of DescribeVpnRouteEntries, 2024-12-20",
    ),
)
