"""What every operation on a VPC needs: finding it."""

from __future__ import annotations

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.store import vpcs
from gatewright.store.vpcs import VpcRow

NOT_FOUND = ErrorRow(
    404, "InvalidVpcId.NotFound", "Specified VPC does not exist.", "DescribeVpcs lists the VPCs of a region."
)


def find_vpc(call: Call, vpc_id: str, missing: ErrorRow) -> VpcRow:
    """The account's VPC in the request's region. Raises ``missing``."""
    row = vpcs.find(call.transaction, call.account_id, vpc_id)
    if row is None or not call.here(row.region_id):
        raise missing("VpcId", vpc_id, f"names no VPC of this account in {call.region.id}")
    return row
