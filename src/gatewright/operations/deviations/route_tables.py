"""Deviations of the operations on route tables, and of those that route tables stand in the way of."""

from __future__ import annotations

from gatewright.operations.deviations.entries import Deviation, answers, not_told
from gatewright.operations.route_tables.dependencies import HAS_ROUTE_TABLE, VSWITCH_HAS_ROUTE_TABLE
from gatewright.operations.route_tables.entries import INVALID_DESCRIPTION, INVALID_NAME, NOT_FOUND
from gatewright.operations.route_tables.facts import TABLE_NOT_FOUND
from gatewright.operations.route_tables.finding import NO_SUCH_ID, SYSTEM_ENTRY
from gatewright.operations.route_tables.making import MAKING_ERRORS, MALFORMED
from gatewright.operations.route_tables.next_hops import INVALID_TYPE, NEXT_HOP_ERRORS
from gatewright.operations.tags import FILTER_ERRORS, TAG_ERRORS
from gatewright.operations.vpcs.facts import INCORRECT_STATUS

ENTRIES: tuple[Deviation, ...] = (
    *answers(
        ("CreateRouteTable",),
        TAG_ERRORS,
        reason="What is wrong with a tag is told as CreateVpnGateway's table tells it.",
        source="error table of CreateVpnGateway, 2024-03-04",
    ),
    *answers(
        ("DescribeRouteTableList",),
        FILTER_ERRORS,
        reason="What is wrong with a filter's tags is told as CreateVpnGateway's table tells it.",
        source="error table of CreateVpnGateway, 2024-03-04",
    ),
    *answers(
        ("DeleteRouteTable",),
        (TABLE_NOT_FOUND,),
        reason="Its table has no row for a route table that there is not; this is UnassociateRouteTable's.",
        source="error table of UnassociateRouteTable, 2025-12-12",
    ),
    *answers(
        ("CreateRouteEntries",),
        (*MAKING_ERRORS, INVALID_NAME, INVALID_DESCRIPTION, INVALID_TYPE),
        reason="Its table is empty but for two rows. What refuses the whole request or fails a dry run is told as the "
        "operation on one entry tells it; otherwise the row's code is the entry's FailedCode.",
        source="error table of CreateRouteEntry, 2025-12-12",
    ),
    *answers(
        ("DeleteRouteEntries",),
        (MALFORMED, TABLE_NOT_FOUND, NO_SUCH_ID, SYSTEM_ENTRY, NOT_FOUND, INCORRECT_STATUS),
        reason="Its table is empty but for two rows. What fails a dry run is told as the operation on one entry tells "
        "it; otherwise the row's code is the entry's FailedCode.",
        source="error table of DeleteRouteEntry, 2025-05-19",
    ),
    *answers(
        ("ModifyRouteEntry",),
        (MALFORMED, TABLE_NOT_FOUND, SYSTEM_ENTRY),
        reason="Only the first rows of its table are known. What is wrong with the entry that is named is told as "
        "DeleteRouteEntry's table tells it.",
        source="error table of DeleteRouteEntry, 2025-05-19",
    ),
    *answers(
        ("ModifyRouteEntry",),
        (*NEXT_HOP_ERRORS, INVALID_DESCRIPTION, INVALID_TYPE),
        reason="Only the first rows of its table are known. What is wrong with the new next hop or the description is "
        "told as CreateRouteEntry's table tells it.",
        source="error table of CreateRouteEntry, 2025-12-12",
    ),
    *not_told(
        "DescribeRouteEntryList",
        *(
            f"RouteEntrys.RouteEntry[].NextHops.NextHop[].{name}"
            for name in ("Enabled", "NextHopRegionId", "NextHopRelatedInfo", "Weight")
        ),
        reason="Sent only for next hops that are router interfaces, and here are none.",
        source="help page of DescribeRouteEntryList, 2025-02-10",
    ),
    *answers(
        ("DeleteVpc",),
        (HAS_ROUTE_TABLE,),
        reason="Its own table, of 2018-2020, has no row for custom route tables; this is the older API's.",
        source="error table of DeleteVpc of Ecs 2014-05-26",
    ),
    *answers(
        ("DeleteVSwitch",),
        (VSWITCH_HAS_ROUTE_TABLE,),
        reason="Its own table, of 2018-2020, has no row for custom route tables; this is the older API's.",
        source="error table of DeleteVSwitch of Ecs 2014-05-26",
    ),
)
