"""Deviations of the operations of other products than Vpc."""

from __future__ import annotations

from gatewright.operations.deviations.entries import Deviation, not_told

ENTRIES: tuple[Deviation, ...] = (
    *not_told(
        "Sts GetCallerIdentity",
        "RoleId",
        reason="Sent only to a caller that has assumed a role, and there are no roles.",
        source="alibabacloud_sts20150401 1.2.0",
    ),
)
