"""Deviations of the operations on VPN gateways."""

from __future__ import annotations

from gatewright.operations.deviations.entries import Deviation, Difference, Kind, not_told

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
)
