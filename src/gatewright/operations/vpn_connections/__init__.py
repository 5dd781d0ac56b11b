"""IPsec connections: one module an operation, or two that describe."""

from gatewright.operations.vpn_connections.create import CreateVpnConnection
from gatewright.operations.vpn_connections.delete import DeleteVpnConnection
from gatewright.operations.vpn_connections.describe import DescribeVpnConnection, DescribeVpnConnections
from gatewright.operations.vpn_connections.download import DownloadVpnConnectionConfig
from gatewright.operations.vpn_connections.logs import DescribeVpnConnectionLogs
from gatewright.operations.vpn_connections.modify import ModifyVpnConnectionAttribute
from gatewright.operations.vpn_connections.modify_tunnel import ModifyTunnelAttribute

OPERATIONS = (
    CreateVpnConnection,
    DescribeVpnConnection,
    DescribeVpnConnections,
    DescribeVpnConnectionLogs,
    ModifyVpnConnectionAttribute,
    ModifyTunnelAttribute,
    DeleteVpnConnection,
    DownloadVpnConnectionConfig,
)
