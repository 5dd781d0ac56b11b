"""Deviations of the operations on VPCs and vSwitches."""

from __future__ import annotations

from gatewright.operations.deviations.entries import Deviation, Difference, Kind, not_told

ENTRIES: tuple[Deviation, ...] = (
    *not_told(
        "DescribeVpcs",
        "Vpcs.Vpc[].CenStatus",
        reason="Sent only for a VPC that is attached to a CEN instance, and here none is.",
        source="help page of DescribeVpcs, 2024-10-10",
    ),
    *not_told(
        "DescribeVpcs",
        "Vpcs.Vpc[].DhcpOptionsSetId",
        "Vpcs.Vpc[].DhcpOptionsSetStatus",
        reason="There are no DHCP options sets, and the status has no value that says so.",
        source="help page of DescribeVpcs, 2024-10-10",
    ),
    *not_told(
        "DescribeVpcAttribute",
        "AssociatedCens",
        reason="Sent only for a VPC that is attached to a CEN instance, and here none is.",
        source="help page of DescribeVpcAttribute, 2024-10-10",
    ),
    *not_told(
        "DescribeVpcAttribute",
        "AssociatedPropagationSources",
        reason="It names what propagates routes into the VPC. No source of dynamic routes is served yet.",
        source="help page of DescribeVpcAttribute, 2024-10-10",
    ),
    *not_told(
        "DescribeVpcAttribute",
        "DhcpOptionsSetId",
        "DhcpOptionsSetStatus",
        reason="There are no DHCP options sets, and the status has no value that says so.",
        source="help page of DescribeVpcAttribute, 2024-10-10",
    ),
    *not_told(
        "DescribeVpcAttribute",
        "Ipv4GatewayId",
        reason="There are no IPv4 gateways.",
        source="help page of DescribeVpcAttribute, 2024-10-10",
    ),
    Deviation(
        Difference(
            "DescribeVSwitchAttributes",
            Kind.ERROR,
            "InvalidVSwitchId.NotFound",
            "answers 404 VSwitch not exist.",
        ),
        reason="The reference has no error table for the operation; the row for an unknown vSwitch is DeleteVSwitch's.",
        source="error table of DeleteVSwitch",
        assumed=True,
    ),
)
