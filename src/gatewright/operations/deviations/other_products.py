"""Deviations of the operations of other products than Vpc."""

from __future__ import annotations

from gatewright.operations.deviations.entries import Deviation, not_told

_INSTANCE = "Data.InstanceList[]"

ENTRIES: tuple[Deviation, ...] = (
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
)
