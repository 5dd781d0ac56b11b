"""What every operation on a vSwitch needs: telling that there is none."""

from __future__ import annotations

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call

NOT_FOUND = ErrorRow(
    404,
    "InvalidVSwitchId.NotFound",
    "VSwitch not exist.",
    "DescribeVSwitches lists the vSwitches of a VPC.",
)


def not_found(call: Call, vswitch_id: str) -> Exception:
    return NOT_FOUND("VSwitchId", vswitch_id, f"names no vSwitch of this account in {call.region.id}")
