"""Deviations that operations on several kinds of resources have alike: tags and resource groups."""

from __future__ import annotations

from gatewright.operations.deviations.entries import Deviation, answers
from gatewright.operations.resource_groups import NO_SUCH_GROUP
from gatewright.operations.tags import FILTER_ERRORS, TAG_ERRORS

ENTRIES: tuple[Deviation, ...] = (
    *answers(
        (
            "CreateVpc",
            "CreateVSwitch",
            "CreateCustomerGateway",
            "CreateVpnConnection",
            "CreateVpnAttachment",
            "TagResources",
        ),
        TAG_ERRORS,
        reason="What is wrong with a tag is told as CreateVpnGateway's table tells it.",
        source="error table of CreateVpnGateway, 2024-03-04",
    ),
    *answers(
        (
            "DescribeVSwitches",
            "DescribeVpnGateways",
            "DescribeCustomerGateways",
            "DescribeVpnConnections",
            "UnTagResources",
            "ListTagResources",
            "DescribeTags",
        ),
        FILTER_ERRORS,
        reason="What is wrong with a filter's tags is told as CreateVpnGateway's table tells it.",
        source="error table of CreateVpnGateway, 2024-03-04",
    ),
    *answers(
        (
            "CreateDefaultVpc",
            "CreateVpnGateway",
            "CreateEnhancedVpnGateway",
            "CreateCustomerGateway",
            "CreateVpnAttachment",
            "MoveVpnResourceGroup",
        ),
        (NO_SUCH_GROUP,),
        reason="An unknown resource group is told as MoveResourceGroup's table tells it.",
        source="help page of MoveResourceGroup",
    ),
)
