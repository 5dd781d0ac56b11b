"""Deviations of the operations on VPN gateways."""

from __future__ import annotations

from gatewright.operations.deviations.entries import Deviation, Difference, Kind, answers, not_told
from gatewright.operations.vpn_gateways.building import QUOTA_FULL, QUOTA_REACHED, VPC_NOT_FOUND
from gatewright.operations.vpn_gateways.create import INVALID_NAME
from gatewright.operations.vpn_gateways.delete import CONNECTIONS_LEFT
from gatewright.operations.vpn_gateways.facts import NOT_FOUND
from gatewright.operations.vpn_gateways.modify import INVALID_DESCRIPTION, MODIFY_INVALID_NAME
from gatewright.operations.vpn_gateways.siting import SITE_ERRORS
from gatewright.operations.vpn_gateways.updating import CONFIGURING

ENTRIES: tuple[Deviation, ...] = (
    Deviation(
        Difference("DescribeVpnGatewayAvailableZones", Kind.REQUEST, "Spec", "optional, reference required"),
        reason="Terraform's provider leaves it out.",
        source="terraform-provider-alicloud 1.289.0",
    ),
    Deviation(
        Difference("CreateVpnGateway", Kind.REQUEST, "Tag", "not in the reference"),
        reason="The operation's error table has the rows for wrong tags, and generic clients send Tag.N with it.",
        source="error table of CreateVpnGateway, 2024-03-04",
    ),
    *not_told(
        "DescribeVpnGateway",
        "ReservationData",
        reason="It describes an order that waits to take effect. Every order takes effect at once.",
        source="alibabacloud_vpc20160428 7.2.2",
    ),
    *not_told(
        "DescribeVpnGateways",
        "VpnGateways.VpnGateway[].ReservationData",
        reason="It describes an order that waits to take effect. Every order takes effect at once.",
        source="alibabacloud_vpc20160428 7.2.2",
    ),
    Deviation(
        Difference(
            "ModifyVpnGatewayAttribute",
            Kind.ERROR,
            "VpnGateway.Configuring",
            "answers 400 The specified service is configuring.",
        ),
        reason="No row of its own table fits a gateway that is being deleted; the operations that do have a row for "
        "a busy gateway have this one.",
        source="error table of DeleteVpnGateway",
        assumed=True,
    ),
    *answers(
        ("CreateEnhancedVpnGateway",),
        (VPC_NOT_FOUND, INVALID_NAME, QUOTA_FULL, QUOTA_REACHED, *SITE_ERRORS),
        reason="No error table is known; what keeps a gateway from being built is told as CreateVpnGateway tells it.",
        source="error table of CreateVpnGateway, 2024-03-04",
    ),
    *answers(
        ("UpdateEnhancedVpnGateway",),
        (NOT_FOUND, MODIFY_INVALID_NAME, INVALID_DESCRIPTION, CONFIGURING),
        reason="No error table is known; it answers as ModifyVpnGatewayAttribute does.",
        source="error table of ModifyVpnGatewayAttribute",
    ),
    *answers(
        ("DeleteEnhancedVpnGateway",),
        (NOT_FOUND, CONNECTIONS_LEFT),
        reason="No error table is known; it answers as DeleteVpnGateway does.",
        source="error table of DeleteVpnGateway",
    ),
)
