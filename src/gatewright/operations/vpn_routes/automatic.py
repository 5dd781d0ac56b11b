"""What becomes of a connection's routes with the connection: policies that it makes by itself, and their end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.vpn_routes.facts import CONFLICT, DEFAULT_PRIORITY, is_destination
from gatewright.operations.vpn_routes.finding import alike
from gatewright.operations.vpn_routes.publishing import POLICY, GatewayRoutes, Owner
from gatewright.resources.compile_vpn_routes import ACTIVE, STANDBY
from gatewright.resources.tunnels import EVERYWHERE
from gatewright.store import vpn_policies, vpn_routes
from gatewright.store.connections import ConnectionRow
from gatewright.store.gateways import GatewayRow
from gatewright.store.vpn_policies import VpnPolicyRow
from gatewright.store.vpn_routes import VpnRouteRow

TOO_MANY = ErrorRow(
    400,
    "QuotaExceeded.PolicyBasedRoute",
    "The maximum number of policy-based routes is exceeded. Existing routes: %s. Routes to be created: %s. Maximum "
    "routes: %s.",
    "AutoConfigRoute makes a policy-based route for each pair of a local and a remote network. Join networks, "
    "delete routes that are not used, or raise the quota (GATEWRIGHT_QUOTA_VPN_ROUTES).",
)
#: What making or changing a connection can be refused with because of the routes that ``AutoConfigRoute`` makes.
AUTOMATIC_ERRORS = (TOO_MANY, CONFLICT)


class Settled(NamedTuple):
    """Whether policies have come or gone, and the VPC whose entries have."""

    policies: bool
    vpc_ids: list[str]


NOTHING_SETTLED = Settled(False, [])


def settle_policies(call: Call, gateway: GatewayRow, connection: ConnectionRow) -> Settled:
    """Have a new or changed connection's automatic policies be what its networks say. Raises ApiError.

    One for each pair of a local and a remote network, active, of the default priority; a standby one where another
    connection has the active one (*assumed*). It is published if it takes the place of one that was, else not. Where
    the connection has a route of the same networks already, that stays as it is (*assumed*).
    The caller has the hosts know.
    """
    known = GatewayRoutes(call, gateway)
    own = [row for row in known.policies if row.connection_id == connection.id]
    wanted = set(_pairs(connection))
    stale = [row for row in own if row.automatic and (row.source, row.destination) not in wanted]
    missing = [pair for pair in _pairs(connection) if pair not in {(row.source, row.destination) for row in own}]
    published = {pair for pair in missing if _was_published(stale, *pair)}
    # an entry of the VPC's that a new policy will stand behind stays as it is
    known.withdraw([row for row in stale if row.destination not in {destination for _, destination in published}])
    for row in stale:
        vpn_policies.drop(call.transaction, row)
    staying = [row for row in known.policies if row not in stale]
    most = call.installation.quotas.vpn_routes
    if missing and len(staying) + len(missing) > most:
        error = TOO_MANY.because(
            f"{gateway.id} has {len(staying)} policy-based routes, {connection.id} needs {len(missing)} more, and "
            f"{most} are the quota."
        )
        error.message = TOO_MANY.message % (len(staying), len(missing), most)
        raise error
    for source, destination in missing:
        row = VpnPolicyRow(
            gateway_id=gateway.id,
            account_id=connection.account_id,
            source=source,
            destination=destination,
            connection_id=connection.id,
            weight=ACTIVE,
            priority=DEFAULT_PRIORITY,
            published=(source, destination) in published,
            automatic=True,
            description="",
            created_at=call.now,
        )
        others = {other.weight: other.connection_id for other in alike(staying, row)}
        if len(others) == len((ACTIVE, STANDBY)):
            raise CONFLICT(
                "AutoConfigRoute",
                "true",
                f"{others[ACTIVE]} and {others[STANDBY]} have the active and the standby route from {source} to "
                f"{destination}: give AutoConfigRoute=false, or other networks",
            )
        if ACTIVE in others:
            row = msgspec.structs.replace(row, weight=STANDBY)
        if row.published:
            known.publish(destination, Owner(POLICY, connection.id), CONFLICT)
        vpn_policies.add(call.transaction, row)
        known.policies.append(row)
    return Settled(bool(stale or missing), [gateway.vpc_id] if known.rerouted else [])


def _was_published(stale: Sequence[VpnPolicyRow], source: str, destination: str) -> bool:
    """Whether a new policy takes the place of a published one: of the same destination, else from the same source."""
    before = [row for row in stale if row.destination == destination] or [row for row in stale if row.source == source]
    return any(row.published for row in before)


def drop_routes(call: Call, gateway: GatewayRow, connection_id: str) -> None:
    """Take away all routes through a connection that is deleted, and the VPC's entries of those that were published.

    The caller has the hosts know, the VPC's router among them.
    """
    known = GatewayRoutes(call, gateway)
    rows: list[VpnRouteRow | VpnPolicyRow] = [*known.routes, *known.policies]
    gone = [row for row in rows if row.connection_id == connection_id]
    known.withdraw(gone)
    vpn_routes.drop_of_connection(call.transaction, connection_id)
    vpn_policies.drop_of_connection(call.transaction, connection_id)


def _pairs(connection: ConnectionRow) -> list[tuple[str, str]]:
    """The networks that the connection joins, unless routes of people decide of its traffic."""
    if not connection.auto_config_route or connection.local_subnets == connection.remote_subnets == EVERYWHERE:
        return []
    # where no policy of people's can lead, the tunnel's selectors do
    remote = [network for network in connection.remote_subnets.split(",") if is_destination(network)]
    return list(product(connection.local_subnets.split(","), remote))
