"""Deviations of the operations of other products than Vpc."""

from __future__ import annotations

from gatewright.operations.deviations.entries import Deviation, Difference, Kind, answers, not_told
from gatewright.operations.resource_manager import ALREADY_EXISTS
from gatewright.operations.tags import FILTER_ERRORS, TAG_ERRORS

_DISK_SIZE = (
    "AvailableZones.AvailableZone[].AvailableResources.AvailableResource[].SupportedResources.SupportedResource[]"
)
_INSTANCE = "Data.InstanceList[]"

ENTRIES: tuple[Deviation, ...] = (
    Deviation(
        Difference("Alb DescribeZones", Kind.REQUEST, "RegionId", "not in the reference"),
        reason="The real service has an address a region. Here the region is told by RegionId, which the older SDKs "
        "and Terraform send with every request.",
        source="aliyun-python-sdk-core 2.16.1",
    ),
    *not_told(
        "Ecs DescribeAvailableResource",
        f"{_DISK_SIZE}.Max",
        f"{_DISK_SIZE}.Min",
        f"{_DISK_SIZE}.Unit",
        reason="They are the sizes that a disk may have, and no disk can be made here.",
        source="help page of DescribeAvailableResource, 2025-11-24",
    ),
    *not_told(
        "BssOpenApi QueryAvailableInstances",
        *(
            f"{_INSTANCE}.{name}"
            for name in (
                "CreateTime",
                "EndTime",
                "ExpectedReleaseTime",
                "InstanceID",
                "OwnerId",
                "ProductCode",
                "ProductType",
                "Region",
                "ReleaseTime",
                "RenewStatus",
                "RenewalDuration",
                "RenewalDurationUnit",
                "Seller",
                "SellerId",
                "Status",
                "StopTime",
                "SubStatus",
                "SubscriptionType",
            )
        ),
        reason="Nothing is billed, so the list is empty.",
        source="help page of QueryAvailableInstances, 2025-10-29",
    ),
    *not_told(
        "Sts GetCallerIdentity",
        "RoleId",
        reason="Sent only to a caller that has assumed a role, and there are no roles.",
        source="alibabacloud_sts20150401 1.2.0",
    ),
    *answers(
        ("ResourceManager CreateResourceGroup",),
        (ALREADY_EXISTS,),
        reason="The table has no row for a name that is taken. The code is one that clients know; status and text are "
        "made after the other rows'.",
        source="PHP metadata of ResourceManager 2020-03-31, for the form only",
    ),
    *answers(
        ("ResourceManager CreateResourceGroup",),
        TAG_ERRORS,
        reason="What is wrong with a tag is told as CreateVpnGateway's table tells it.",
        source="error table of CreateVpnGateway, 2024-03-04",
    ),
    *answers(
        ("ResourceManager ListResourceGroups",),
        FILTER_ERRORS,
        reason="What is wrong with a filter's tags is told as CreateVpnGateway's table tells it.",
        source="error table of CreateVpnGateway, 2024-03-04",
    ),
)
