"""What every operation on a VPN gateway's routes needs: the gateway, the next hop, and the rules of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import Between, Length, OneOf, Parameter, Satisfies
from gatewright.operations.vpn_gateways.facts import NOT_FOUND as GATEWAY_NOT_FOUND
from gatewright.operations.vpn_gateways.facts import find_gateway
from gatewright.operations.vpn_gateways.updating import CONFIGURING, check_changeable
from gatewright.resources.addresses import SERVICE_NETWORK, parse_network
from gatewright.resources.compile_vpn_routes import ACTIVE, STANDBY
from gatewright.resources.routes import UNROUTABLE_NETWORKS
from gatewright.store import connections
from gatewright.store.connections import ConnectionView
from gatewright.store.gateways import GatewayRow, GatewayView

#: ``RouteEntryType``: made by people, and learnt from customers.
CUSTOM, BGP = "custom", "bgp"

NEXT_HOP_NOT_FOUND = ErrorRow(
    404,
    "InvalidVpnConnectionInstanceId.NotFound",
    "The specified vpn connection instance id does not exist.",
    "DescribeVpnConnections lists the connections of a region; a route's next hop is one of its own gateway.",
)
ROUTE_NOT_FOUND = ErrorRow(
    404,
    "InvalidRouteEntry.NotFound",
    "The specified route entry does not exist.",
    "DescribeVpnRouteEntries and DescribeVpnPbrRouteEntries list a gateway's routes.",
)
ALREADY_EXISTS = ErrorRow(
    400,
    "VpnRouteEntry.AlreadyExists",
    "The specified route entry already exists.",
    "A connection is the next hop of one route of the same networks; its weight and priority can be changed.",
)
CONFLICT = ErrorRow(
    400,
    "VpnRouteEntry.Conflict",
    "The specified route entry conflicts with another one.",
    "The detail names what is in the way. An active and a standby route have weights 100 and 0 and different "
    "connections; to change the weight of one, delete the other first; one of them can be published.",
)
QUOTA_FULL = ErrorRow(
    400,
    "Resource.QuotaFull",
    "The quota of resource is full",
    "Delete routes of the gateway that are not used, or raise the quota (GATEWRIGHT_QUOTA_VPN_ROUTES).",
)
#: What an operation on one route can be refused with, whatever it does.
ROUTE_ERRORS = (GATEWAY_NOT_FOUND, CONFIGURING, ROUTE_NOT_FOUND)

#: The only ``OverlayMode``.
OVERLAY = "Ipsec"
PUBLISHED, NORMAL = "published", "normal"
#: ``Priority`` of a policy-based route that does not say.
DEFAULT_PRIORITY = 10


def is_destination(text: str) -> bool:
    """Whether a VPN route can lead to a network."""
    network = parse_network(text)
    return (
        network is not None
        and network.prefixlen > 0
        and not network.overlaps(SERVICE_NETWORK)
        and UNROUTABLE_NETWORKS.around(network) is None
    )


def is_source(text: str) -> bool:
    """Whether a policy-based route can be for what comes from a network."""
    return parse_network(text) is not None


VpnGatewayId = Annotated[str, Parameter()]
RouteDest = Annotated[
    str,
    Parameter(
        Satisfies(
            is_destination,
            f"must be a network such as 192.168.0.0/16, neither 0.0.0.0/0 nor overlapping {SERVICE_NETWORK}, nor in "
            "0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16 or 224.0.0.0/3",
        )
    ),
]
RouteSource = Annotated[str, Parameter(Satisfies(is_source, "must be a network such as 10.0.0.0/24"))]
#: The id of an IPsec connection.
NextHop = Annotated[str, Parameter()]
Weight = Annotated[int, Parameter(OneOf(ACTIVE, STANDBY))]
NewWeight = Annotated[int | None, Parameter(OneOf(ACTIVE, STANDBY))]
Priority = Annotated[int | None, Parameter(Between(1, 100))]
OverlayMode = Annotated[str, Parameter(OneOf(OVERLAY))]
Description = Annotated[str, Parameter(Length(1, 100))]


def gateway_to_change(call: Call, gateway_id: str) -> GatewayView:
    """The account's gateway, which takes writes. Raises ApiError."""
    gateway = find_gateway(call, gateway_id)
    check_changeable(call, gateway)
    return gateway


def find_next_hop(call: Call, gateway: GatewayView, connection_id: str) -> ConnectionView:
    """A connection of a gateway. Raises InvalidVpnConnectionInstanceId.NotFound."""
    connection = connections.view(call.transaction, call.account_id, connection_id)
    if connection is None or connection.gateway_id != gateway.id:
        raise NEXT_HOP_NOT_FOUND("NextHop", connection_id, f"names no IPsec connection of {gateway.id}")
    return connection


def state_of(published: bool) -> str:
    """``State`` of a route."""
    return PUBLISHED if published else NORMAL


def is_dual(gateway: GatewayRow) -> bool:
    """Whether a gateway has two instances, and its connections two tunnels: weights mean nothing then."""
    return gateway.disaster_recovery_vswitch_id is not None


def check_quota(taken: Sequence[object], most: int, gateway: GatewayView, kind: str) -> None:
    """Refuse one more route of a kind. Raises Resource.QuotaFull."""
    if len(taken) >= most:
        raise QUOTA_FULL("VpnGatewayId", gateway.id, f"has its {most} {kind} already")
