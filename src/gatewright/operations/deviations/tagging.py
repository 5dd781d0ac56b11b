"""Deviations of the operations on tags, and of those that move resources between groups."""

from __future__ import annotations

from gatewright.operations import tagging
from gatewright.operations.customer_gateways import facts as customer_gateway_facts
from gatewright.operations.deviations.entries import Deviation, answers
from gatewright.operations.vpn_connections import facts as connection_facts
from gatewright.operations.vpn_gateways import facts, updating

_OF_EXPRESS_CONNECT = "error tables of TagResourcesForExpressConnect and its siblings, 2023-09-11"

ENTRIES: tuple[Deviation, ...] = (
    *answers(
        ("TagResources", "UnTagResources", "ListTagResources", "DescribeTags", "DescribeTagKeys"),
        (tagging.UNKNOWN_TYPE, tagging.TOO_MANY_RESOURCES),
        reason="The tables found for the operation have no such row; Express Connect's in the same API have.",
        source=_OF_EXPRESS_CONNECT,
    ),
    *answers(
        ("TagResources", "UnTagResources"),
        (tagging.UNKNOWN_RESOURCE,),
        reason="The tables found for the operation have no such row; Express Connect's in the same API have.",
        source=_OF_EXPRESS_CONNECT,
    ),
    *answers(
        ("ListTagResources",),
        (tagging.NOTHING_NAMED,),
        reason="The tables found for the operation have no such row; Express Connect's in the same API has.",
        source=_OF_EXPRESS_CONNECT,
    ),
    *answers(
        ("MoveVpnResourceGroup",),
        (
            facts.NOT_FOUND,
            customer_gateway_facts.NOT_FOUND,
            connection_facts.NOT_FOUND,
            updating.CONFIGURING,
        ),
        reason="No table was found for the operation; the rows are those of the operations on these resources.",
        source="error tables of DeleteVpnGateway, DeleteCustomerGateway and DeleteVpnConnection",
    ),
)
