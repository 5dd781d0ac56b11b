"""Errors that several operations on route tables document alike, and finding a table or a router."""

from __future__ import annotations

from gatewright import ids
from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.resources.statuses import PlainStatus, vpc_status
from gatewright.store import route_tables, vpcs
from gatewright.store.route_tables import RouteTableView
from gatewright.store.vpcs import VpcRow

REGION_NOT_FOUND = ErrorRow(
    404, "InvalidRegionId.NotFound", "Specified value of RegionId is not supported.", "DescribeRegions lists them."
)
TABLE_NOT_FOUND = ErrorRow(
    404,
    "InvalidRouteTableId.NotFound",
    "Specified route table does not exist.",
    "DescribeRouteTableList lists the route tables of a region.",
)


def table_here(call: Call, route_table_id: str) -> RouteTableView | None:
    """The account's route table in the request's region, or None."""
    row = route_tables.view(call.transaction, call.account_id, route_table_id)
    return row if row is not None and call.here(row.region_id) else None


def find_table(
    call: Call, route_table_id: str, missing: ErrorRow = TABLE_NOT_FOUND, parameter: str = "RouteTableId"
) -> RouteTableView:
    """The account's route table in the request's region. Raises ``missing``."""
    row = table_here(call, route_table_id)
    if row is None:
        raise missing(parameter, route_table_id, f"names no route table of this account {call.where}")
    return row


def check_vpc(call: Call, table: RouteTableView, pending: ErrorRow, parameter: str, value: str) -> None:
    """Refuse what needs the VPC of a table, or of an entry of it, to be ``Available``. Raises ``pending``."""
    if vpc_status(table.vpc_available_at, call.now) is not PlainStatus.AVAILABLE:
        raise pending(parameter, value, f"is of {table.vpc_id}, which is still Pending")


def find_router(call: Call, vrouter_id: str, missing: ErrorRow) -> VpcRow:
    """The account's VPC in the request's region that has a router, by whose id it is found. Raises ``missing``."""
    row = vpcs.find(call.transaction, call.account_id, ids.derived_id("vpc", vrouter_id))
    if row is None or row.vrouter_id != vrouter_id or not call.here(row.region_id):
        raise missing("VRouterId", vrouter_id, f"names no router of this account {call.where}")
    return row
