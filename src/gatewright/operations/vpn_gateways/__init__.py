"""VPN gateways: one module an operation, or two that describe."""

from gatewright.operations.vpn_gateways.create import CreateVpnGateway
from gatewright.operations.vpn_gateways.delete import DeleteVpnGateway
from gatewright.operations.vpn_gateways.describe import DescribeVpnGateway, DescribeVpnGateways
from gatewright.operations.vpn_gateways.enhanced import (
    CreateEnhancedVpnGateway,
    DeleteEnhancedVpnGateway,
    UpdateEnhancedVpnGateway,
)
from gatewright.operations.vpn_gateways.modify import ModifyVpnGatewayAttribute
from gatewright.operations.vpn_gateways.zones import DescribeVpnGatewayAvailableZones

OPERATIONS = (
    CreateVpnGateway,
    DescribeVpnGateway,
    DescribeVpnGateways,
    ModifyVpnGatewayAttribute,
    DeleteVpnGateway,
    DescribeVpnGatewayAvailableZones,
    CreateEnhancedVpnGateway,
    UpdateEnhancedVpnGateway,
    DeleteEnhancedVpnGateway,
)
