"""A VPN gateway's own routes: where it sends what comes from its VPC, and what of it the VPC knows."""

from gatewright.operations.vpn_routes.describe import DescribeVpnPbrRouteEntries, DescribeVpnRouteEntries
from gatewright.operations.vpn_routes.entries import (
    CreateVpnRouteEntry,
    DeleteVpnRouteEntry,
    ModifyVpnRouteEntryWeight,
)
from gatewright.operations.vpn_routes.policies import CreateVpnPbrRouteEntry, DeleteVpnPbrRouteEntry
from gatewright.operations.vpn_routes.policy_changes import (
    ModifyVpnPbrRouteEntryAttribute,
    ModifyVpnPbrRouteEntryPriority,
    ModifyVpnPbrRouteEntryWeight,
)
from gatewright.operations.vpn_routes.publish import PublishVpnRouteEntry

OPERATIONS = (
    CreateVpnRouteEntry,
    DescribeVpnRouteEntries,
    ModifyVpnRouteEntryWeight,
    PublishVpnRouteEntry,
    DeleteVpnRouteEntry,
    CreateVpnPbrRouteEntry,
    DescribeVpnPbrRouteEntries,
    ModifyVpnPbrRouteEntryAttribute,
    ModifyVpnPbrRouteEntryPriority,
    ModifyVpnPbrRouteEntryWeight,
    DeleteVpnPbrRouteEntry,
)
