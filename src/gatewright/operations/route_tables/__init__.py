"""The routers of VPCs, their route tables, and the tables' entries."""

from gatewright.operations.route_tables.association import AssociateRouteTable, UnassociateRouteTable
from gatewright.operations.route_tables.bulk import CreateRouteEntries, DeleteRouteEntries
from gatewright.operations.route_tables.describe_entries import DescribeRouteEntryList
from gatewright.operations.route_tables.describe_tables import DescribeRouteTableList, DescribeRouteTables
from gatewright.operations.route_tables.entries import CreateRouteEntry, DeleteRouteEntry, ModifyRouteEntry
from gatewright.operations.route_tables.tables import CreateRouteTable, DeleteRouteTable, ModifyRouteTableAttributes
from gatewright.operations.route_tables.vrouters import DescribeVRouters, ModifyVRouterAttribute

OPERATIONS = (
    DescribeVRouters,
    ModifyVRouterAttribute,
    CreateRouteTable,
    DescribeRouteTableList,
    DescribeRouteTables,
    ModifyRouteTableAttributes,
    AssociateRouteTable,
    UnassociateRouteTable,
    DeleteRouteTable,
    CreateRouteEntry,
    CreateRouteEntries,
    DescribeRouteEntryList,
    ModifyRouteEntry,
    DeleteRouteEntry,
    DeleteRouteEntries,
)
