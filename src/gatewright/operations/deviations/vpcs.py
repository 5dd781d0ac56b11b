"""Deviations of the operations on VPCs and vSwitches."""

from __future__ import annotations

from gatewright.operations.deviations.entries import Deviation, Difference, Kind, answers, not_told
from gatewright.operations.tags import TOO_MANY
from gatewright.operations.vpcs import cidr_blocks
from gatewright.operations.vpcs import default as default_vpc
from gatewright.operations.vswitches import create as create_vswitch
from gatewright.operations.vswitches import default as default_vswitch
from gatewright.operations.vswitches import facts as vswitch_facts
from gatewright.operations.vswitches import modify as modify_vswitch

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
        reason="It names what propagates routes into the VPC; no document says what it tells of a VPN gateway.",
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
    *answers(
        ("AssociateVpcCidrBlock", "UnassociateVpcCidrBlock"),
        (cidr_blocks.VPC_NOT_FOUND, cidr_blocks.INCORRECT_STATUS, cidr_blocks.ILLEGAL_BLOCK),
        reason="The table has the codes, and %s for the texts, which are ours. UnassociateVpcCidrBlock, whose table is "
        "not known, tells the same conditions alike.",
        source="error table of AssociateVpcCidrBlock, 2025-01-16",
    ),
    *answers(
        ("AssociateVpcCidrBlock",),
        (cidr_blocks.DUPLICATED, cidr_blocks.ROUTED, cidr_blocks.TOO_MANY),
        reason="The table has the codes, and %s for the texts, which are ours.",
        source="error table of AssociateVpcCidrBlock, 2025-01-16",
    ),
    *answers(
        ("UnassociateVpcCidrBlock",),
        (cidr_blocks.MISSING_BLOCK,),
        reason="One of two parameters is needed, as for AssociateVpcCidrBlock, whose table has the row.",
        source="error table of AssociateVpcCidrBlock, 2025-01-16",
    ),
    *answers(
        ("UnassociateVpcCidrBlock",),
        (cidr_blocks.IN_USE,),
        reason="No table with the row was found. The code is the one that Terraform's provider waits upon; the text is "
        "worded as that of OperationFailed.Ipv6Gateway.",
        source="terraform-provider-alicloud 1.289.0, alicloud_vpc_ipv4_cidr_block",
    ),
    *answers(
        ("DescribeVpcs",),
        (TOO_MANY,),
        reason="The table has no row for too many tags in a filter; the row is CreateVpnGateway's.",
        source="error table of CreateVpnGateway, 2024-03-04",
    ),
    *answers(
        ("CreateDefaultVpc",),
        (default_vpc.ONE_A_REGION,),
        reason="A region has one default VPC. The operation's table is not known; the row for too many VPCs is "
        "CreateVpc's.",
        source="help page of CreateDefaultVpc, 2026-06-19; error table of CreateVpc",
    ),
    *answers(
        ("CreateDefaultVSwitch",),
        (default_vswitch.ZONE_NOT_FOUND, default_vswitch.NO_DEFAULT_VPC, default_vswitch.QUOTA_EXCEEDED),
        reason="The operation's table is not known; the rows for a zone or VPC that there is not, and for too many "
        "vSwitches, are CreateVSwitch's.",
        source="error table of CreateVSwitch",
    ),
    *answers(
        ("CreateDefaultVSwitch",),
        (default_vswitch.ONE_A_ZONE, default_vswitch.VPC_PENDING),
        reason="The operation's table is not known; the rows are those of RunInstances, which makes default vSwitches.",
        source="error table of Ecs RunInstances",
    ),
    *answers(
        ("CreateVSwitch", "CreateDefaultVSwitch"),
        (create_vswitch.NO_ROOM,),
        reason="The known tables have no row for a VPC without room for a network that the service is to choose; the "
        "row for a pool without room is CreateVpc's.",
        source="error table of CreateVpc, 2025-12-12",
    ),
    Deviation(
        Difference("CreateVSwitch", Kind.REQUEST, "CidrBlock", "optional, reference required"),
        reason="One of CidrBlock and CidrMask is needed.",
        source="alibabacloud_vpc20160428 7.2.2",
    ),
    *answers(
        ("ModifyVSwitchAttribute",),
        (modify_vswitch.INCORRECT_STATUS,),
        reason="Its table has no row for a vSwitch that is being deleted; the row is DeleteVSwitch's.",
        source="error table of DeleteVSwitch",
    ),
    *answers(
        ("DescribeVSwitchAttributes",),
        (vswitch_facts.NOT_FOUND,),
        reason="The table has status 400. Terraform's provider takes a vSwitch for gone at status 404 only, which is "
        "what DeleteVSwitch answers.",
        source="terraform-provider-alicloud 1.289.0; error table of DeleteVSwitch",
    ),
)
