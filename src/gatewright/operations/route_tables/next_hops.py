"""Where a custom entry can lead: to a VPN gateway of its VPC. Of the API's other kinds of next hops there are none."""

from __future__ import annotations

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.resources.statuses import GatewayStatus
from gatewright.store import gateways
from gatewright.store.gateways import GatewayView
from gatewright.store.route_tables import RouteTableRow

VPN_GATEWAY, INSTANCE, ROUTER_INTERFACE = "VpnGateway", "Instance", "RouterInterface"

INVALID_TYPE = ErrorRow(400, "InvalidNextHopType", 'Specified parameter "NextHopType" is not valid')
NO_SUCH_GATEWAY = ErrorRow(
    400,
    "InvalidVpnInstanceId.NotFound",
    "The specified VPN was not found.",
    "DescribeVpnGateways lists the gateways of a region.",
)
OTHER_VPC = ErrorRow(
    400, "INVALID_VPC_ID", "The Specified VpcId not match.", "A next hop is in the VPC of the route table."
)
GATEWAY_STATUS = ErrorRow(400, "IncorrectInstanceStatus", "Current instance status does not support this operation.")
NO_SUCH_NEXT_HOP = ErrorRow(404, "InvalidNextHopId.NotFound", "Specified next hop does not exist.")
NO_SUCH_ROUTER_INTERFACE = ErrorRow(400, "InvalidRouterInterface", "invalid router interface.")

#: What says that there is no such next hop, by the type that it would be of.
_NONE_SUCH = {
    INSTANCE: ErrorRow(404, "InvalidInstanId.NotFound", "Specified instance does not exist."),
    "HaVip": ErrorRow(404, "InvalidHaVipId.NotFound", "The specified HaVip does not exist in the specified VPC."),
    ROUTER_INTERFACE: NO_SUCH_ROUTER_INTERFACE,
    "NetworkInterface": ErrorRow(
        404, "InvalidNetworkInterface.NotFound", "The specified networkInterface does not exist."
    ),
    VPN_GATEWAY: NO_SUCH_GATEWAY,
    "IPv6Gateway": ErrorRow(404, "InvalidIpv6Gateway.NotFound", "Specified Ipv6Gateway does not exist."),
    "NatGateway": ErrorRow(
        404, "InvalidNatGatewayId.NotFound", "Specified value of NatGatewayId is not found in our record."
    ),
    "Attachment": ErrorRow(400, "InvalidAttachment.NotFound", "The attachment is not found."),
    "VpcPeer": NO_SUCH_NEXT_HOP,
    "Ipv4Gateway": ErrorRow(400, "ResourceNotFound.Ipv4Gateway", "Specified Ipv4Gateway does not exist."),
    "GatewayEndpoint": NO_SUCH_NEXT_HOP,
    "CenBasic": NO_SUCH_NEXT_HOP,
    "Ecr": ErrorRow(400, "ResourceNotAssociated.Ecr", "The ECR is not associated."),
    "GatewayLoadBalancerEndpoint": ErrorRow(
        404, "ResourceNotFound.GatewayLoadBalancerEndpoint", "GatewayLoadBalancerEndpoint instance not found."
    ),
    "RouteTargetGroup": NO_SUCH_NEXT_HOP,
}
#: What a next hop can be refused with.
NEXT_HOP_ERRORS = (*dict.fromkeys(_NONE_SUCH.values()), OTHER_VPC, GATEWAY_STATUS)
#: ``CenBasic`` is a type of CreateRouteEntries alone.
BULK_TYPES = tuple(_NONE_SUCH)
TYPES = tuple(kind for kind in BULK_TYPES if kind != "CenBasic")


class NextHops:
    """The next hops that a request names. Each is read once, however many entries lead there."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._gateways: dict[str, GatewayView | None] = {}

    def find(self, table: RouteTableRow, kind: str, next_hop_id: str, parameter: str) -> GatewayView:
        """The gateway in a table's region that is meant. ``kind`` is one of the API's types. Raises ApiError."""
        if kind != VPN_GATEWAY:
            raise _NONE_SUCH[kind](parameter, next_hop_id, f"names no {kind}: there is nothing of this type here")
        gateway = self._gateway(next_hop_id)
        if gateway is None or gateway.region_id != table.region_id:
            raise NO_SUCH_GATEWAY(parameter, next_hop_id, f"names no VPN gateway of this account in {table.region_id}")
        return gateway

    def _gateway(self, gateway_id: str) -> GatewayView | None:
        if gateway_id not in self._gateways:
            self._gateways[gateway_id] = gateways.view(self._call.transaction, self._call.account_id, gateway_id)
        return self._gateways[gateway_id]


def check_gateway(table: RouteTableRow, gateway: GatewayView, parameter: str) -> None:
    """Refuse a gateway that no entry of a table can lead to. Raises ApiError."""
    if gateway.vpc_id != table.vpc_id:
        raise OTHER_VPC(parameter, gateway.id, f"is in {gateway.vpc_id}, the route table in {table.vpc_id}")
    if gateway.status == GatewayStatus.DELETING:
        raise GATEWAY_STATUS(parameter, gateway.id, "is being deleted")
