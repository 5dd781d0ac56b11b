"""Finding out what is wrong with connections and gateways: one module an operation."""

from gatewright.operations.diagnosis.connections import DiagnoseVpnConnections
from gatewright.operations.diagnosis.gateways import DiagnoseVpnGateway, GetVpnGatewayDiagnoseResult

OPERATIONS = (DiagnoseVpnConnections, DiagnoseVpnGateway, GetVpnGatewayDiagnoseResult)
