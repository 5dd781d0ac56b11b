"""Which policy-based route a request means, and which others it must keep apart from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gatewright.operations.vpn_routes.facts import CONFLICT, ROUTE_NOT_FOUND
from gatewright.operations.vpn_routes.publishing import GatewayRoutes
from gatewright.store.vpn_policies import VpnPolicyRow


class WhichPolicy(NamedTuple):
    """What a request says of the route that it means; a priority that is not given can be any."""

    source: str
    destination: str
    connection_id: str
    weight: int
    priority: int | None


def find_policy(known: GatewayRoutes, which: WhichPolicy) -> VpnPolicyRow:
    """The one route that all that is given is true of. Raises InvalidRouteEntry.NotFound."""
    for row in known.policies:
        if (row.source, row.destination, row.connection_id) == which[:3]:
            if row.weight != which.weight:
                raise ROUTE_NOT_FOUND("Weight", which.weight, f"is not that of the route, which has {row.weight}")
            if which.priority not in (None, row.priority):
                raise ROUTE_NOT_FOUND("Priority", which.priority, f"is not that of the route, which has {row.priority}")
            return row
    raise ROUTE_NOT_FOUND(
        "RouteDest",
        which.destination,
        f"is the destination of no route of {known.gateway.id} from {which.source} through {which.connection_id}",
    )


def alike(rows: Iterable[VpnPolicyRow], row: VpnPolicyRow) -> list[VpnPolicyRow]:
    """The routes through other connections that have the networks and the priority of one: two make a pair."""
    return [
        other
        for other in rows
        if other.connection_id != row.connection_id
        and (other.source, other.destination, other.priority) == (row.source, row.destination, row.priority)
    ]


def check_pair(rows: Iterable[VpnPolicyRow], row: VpnPolicyRow) -> None:
    """Refuse a route that another one is like, but for its connection. Raises VpnRouteEntry.Conflict."""
    for other in alike(rows, row):
        if other.weight != row.weight:
            continue
        raise CONFLICT(
            "Weight",
            row.weight,
            f"is that of the route from {row.source} to {row.destination} through {other.connection_id}, which has "
            f"priority {row.priority} too",
        )
