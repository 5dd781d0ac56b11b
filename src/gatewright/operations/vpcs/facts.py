"""What every operation on a VPC needs: finding it, its networks, and whether it can be changed."""

from __future__ import annotations

from ipaddress import IPv4Network

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.resources.statuses import PlainStatus, vpc_status
from gatewright.store import vpcs
from gatewright.store.vpcs import VpcRow

#: The masks that a VPC's first network may have.
MASKS = range(8, 29)

NOT_FOUND = ErrorRow(
    404, "InvalidVpcId.NotFound", "Specified VPC does not exist.", "DescribeVpcs lists the VPCs of a region."
)
INCORRECT_STATUS = ErrorRow(
    400,
    "IncorrectVpcStatus",
    "Current VPC status does not support this operation.",
    "Wait until DescribeVpcAttribute tells Available.",
)
#: What one VPC too many is refused with.
QUOTA_EXCEEDED = ErrorRow(
    400,
    "QuotaExceeded.Vpc",
    "VPC quota exceeded.",
    "Delete VPCs of the region, or raise the quota (GATEWRIGHT_QUOTA_VPCS).",
)
#: What a new network is refused with.
MASK_NOT_ALLOWED = ErrorRow(
    400, "OperationDenied.MaskOfCidrIsNotAllowed", "The input mask or mask of the input CIDR is not allowed."
)
RESERVED = ErrorRow(
    400,
    "OperationDenied.CidrInExcludeCidrs",
    "The operation is not allowed because the input CIDR is within the illegal CIDRs.",
)


def find_vpc(call: Call, vpc_id: str, missing: ErrorRow) -> VpcRow:
    """The account's VPC in the request's region. Raises ``missing``."""
    row = vpcs.find(call.transaction, call.account_id, vpc_id)
    if row is None or not call.here(row.region_id):
        raise missing("VpcId", vpc_id, f"names no VPC of this account {call.where}")
    return row


def check_available(call: Call, row: VpcRow, pending: ErrorRow) -> None:
    """Refuse what needs a VPC that is ``Available``. Raises ``pending``."""
    if vpc_status(row.available_at, call.now) is not PlainStatus.AVAILABLE:
        raise pending("VpcId", row.id, "is still Pending")


def networks_of(row: VpcRow) -> list[IPv4Network]:
    """All its networks, the first one first."""
    return [IPv4Network(text) for text in row.networks]
