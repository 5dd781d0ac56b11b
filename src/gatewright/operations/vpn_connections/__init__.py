"""IPsec connections: one module an operation, or two that describe."""

from gatewright.operations.vpn_connections.create import CreateVpnConnection
from gatewright.operations.vpn_connections.delete import DeleteVpnConnection
from gatewright.operations.vpn_connections.describe import DescribeVpnConnection, DescribeVpnConnections

OPERATIONS = (
    CreateVpnConnection,
    DescribeVpnConnection,
    DescribeVpnConnections,
    DeleteVpnConnection,
)
