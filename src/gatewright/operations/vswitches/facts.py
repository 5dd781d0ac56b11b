"""What every operation on a vSwitch needs: finding it."""

from __future__ import annotations

from gatewright.errors import ApiError, ErrorRow
from gatewright.operations.call import Call
from gatewright.store import vswitches
from gatewright.store.vswitches import VSwitchRow

NOT_FOUND = ErrorRow(
    404,
    "InvalidVSwitchId.NotFound",
    "VSwitch not exist.",
    "DescribeVSwitches lists the vSwitches of a VPC.",
)


def find_vswitch(call: Call, vswitch_id: str, missing: ErrorRow) -> VSwitchRow:
    """The account's vSwitch in the request's region, be it that it is being deleted. Raises ``missing``."""
    row = vswitches.find(call.transaction, call.account_id, vswitch_id)
    if row is None or not call.here(row.region_id):
        raise not_found(call, vswitch_id, missing)
    return row


def not_found(call: Call, vswitch_id: str, missing: ErrorRow) -> ApiError:
    """The error for a vSwitch that is not the account's, not in the region, or not at all."""
    return missing("VSwitchId", vswitch_id, f"names no vSwitch of this account {call.where}")
