"""What of a VPC's routes stands in the way of other operations: deleting the VPC, deleting or making a vSwitch."""

from __future__ import annotations

from ipaddress import IPv4Network

from gatewright.errors import ApiError, ErrorRow
from gatewright.operations.call import Call
from gatewright.store import route_tables
from gatewright.store.route_tables import RouteEntryRow
from gatewright.store.vpcs import VpcRow

HAS_ROUTE_ENTRY = ErrorRow(
    400,
    "DependencyViolation.RouteEntry",
    "Specified object has dependent resources",
    "Delete the custom entries of the VPC's route tables first.",
)
HAS_ROUTE_TABLE = ErrorRow(
    400,
    "DependencyViolation.RouteTable",
    "VPC cannot be deleted when custom route table exists.",
    "Delete the VPC's custom route tables first.",
)
VSWITCH_HAS_ROUTE_TABLE = ErrorRow(
    400,
    "DependencyViolation.RouteTable",
    "VSwitch cannot be deleted when associated with route table",
    "Take the custom route table off with UnassociateRouteTable first.",
)
#: What of its routes the deletion of a VPC can be refused with.
VPC_ERRORS = (HAS_ROUTE_ENTRY, HAS_ROUTE_TABLE)


def in_the_way_of(call: Call, vpc: VpcRow) -> ApiError | None:
    """What of a VPC's routes stands in the way of its deletion: a custom entry, else a custom table, or None."""
    for entry in custom_entries(call, vpc.id):
        return HAS_ROUTE_ENTRY(
            "VpcId", vpc.id, f"still has route entry {entry.id} to {entry.destination} in {entry.route_table_id}"
        )
    for table in route_tables.of_vpcs(call.transaction, [vpc.id]):
        if table.type == route_tables.CUSTOM:
            return HAS_ROUTE_TABLE("VpcId", vpc.id, f"still has custom route table {table.id}")
    return None


def custom_entries(call: Call, vpc_id: str) -> list[RouteEntryRow]:
    """The custom entries of all of a VPC's route tables, oldest first."""
    tables = [table.id for table in route_tables.of_vpcs(call.transaction, [vpc_id])]
    return route_tables.entries(call.transaction, tables)


def entry_within(call: Call, vpc_id: str, network: IPv4Network) -> RouteEntryRow | None:
    """A custom entry of a VPC's tables whose destination lies within a network, or None.

    Such an entry would be more specific than the ``local`` route of a vSwitch with that network.
    """
    entries = custom_entries(call, vpc_id)
    return next((entry for entry in entries if IPv4Network(entry.destination).subnet_of(network)), None)
