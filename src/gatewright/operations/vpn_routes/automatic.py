"""What becomes of a connection's routes with the connection: policies that it makes by itself, and their end."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.vpn_routes.facts import CONFLICT, DEFAULT_PRIORITY, is_destination
from gatewright.operations.vpn_routes.finding import check_pair
from gatewright.operations.vpn_routes.publishing import GatewayRoutes
from gatewright.resources.compile_vpn_routes import ACTIVE
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

    One for each pair of a local and a remote network, active, of the default priority, and not published. Where the
    connection has a route of the same networks already, that stays as it is (*assumed*).
    The caller has the hosts know.
    """
    known = GatewayRoutes(call, gateway)
    own = [row for row in known.policies if row.connection_id == connection.id]
    wanted = set(_pairs(connection))
    stale = [row for row in own if row.automatic and (row.source, row.destination) not in wanted]
    known.withdraw(stale)
    for row in stale:
        vpn_policies.drop(call.transaction, row)
    staying = [row for row in known.policies if row not in stale]
    missing = [pair for pair in _pairs(connection) if pair not in {(row.source, row.destination) for row in own}]
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
            published=False,
            automatic=True,
            description="",
            created_at=call.now,
        )
        check_pair(staying, row)
        vpn_policies.add(call.transaction, row)
    return Settled(bool(stale or missing), [gateway.vpc_id] if known.rerouted else [])


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
