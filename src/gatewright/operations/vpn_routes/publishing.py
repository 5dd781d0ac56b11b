"""Published routes: entries of the system route table of a gateway's VPC, which lead to the gateway.

A destination has one entry, and one connection's routes of one kind stand behind it: an entry of the system table to a
gateway that has published routes there is theirs. Whoever deletes the entry, or has it lead elsewhere, withdraws them
(``route_tables/rerouting.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from ipaddress import IPv4Network
from typing import NamedTuple

from gatewright import ids
from gatewright.errors import ApiError, ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.route_tables.making import TOO_MANY, MakingWords, Room
from gatewright.operations.route_tables.next_hops import VPN_GATEWAY
from gatewright.operations.vpn_gateways.updating import want_anew
from gatewright.operations.vpn_routes.facts import CONFLICT
from gatewright.store import route_tables, vpn_policies, vpn_routes
from gatewright.store.gateways import GatewayRow
from gatewright.store.route_tables import RouteEntryRow, RouteTableView
from gatewright.store.vpn_policies import VpnPolicyRow
from gatewright.store.vpn_routes import VpnRouteRow

#: ``RouteType``: destination-based and policy-based.
DESTINATION, POLICY = "dbr", "pbr"
_WORDS = MakingWords("VpnGatewayId", "RouteDest", "NextHop")


class Owner(NamedTuple):
    """Whose routes an entry stands for: the kind of the routes, and their connection."""

    kind: str
    connection_id: str

    def __str__(self) -> str:
        kind = "destination-based" if self.kind == DESTINATION else "policy-based"
        return f"the {kind} route through {self.connection_id}"


class GatewayRoutes:
    """The routes of one gateway, as one write sees and changes them."""

    def __init__(self, call: Call, gateway: GatewayRow) -> None:
        self.call, self.gateway = call, gateway
        self.routes = vpn_routes.of_gateways(call.transaction, [gateway.id])
        self.policies = vpn_policies.of_gateways(call.transaction, [gateway.id])
        #: Whether entries of the VPC's have come or gone.
        self.rerouted = False

    def owner(self, destination: str, but: Iterable[VpnRouteRow | VpnPolicyRow] = ()) -> Owner | None:
        """Whose routes the VPC's entry for a destination stands for, some routes not counted; None without one."""
        besides = list(but)
        for kind, rows in ((DESTINATION, self.routes), (POLICY, self.policies)):
            for row in rows:
                if row.published and row.destination == destination and row not in besides:
                    return Owner(kind, row.connection_id)
        return None

    def publish(self, destination: str, owner: Owner, full: ErrorRow) -> None:
        """Have the VPC's system route table lead to the gateway. Raises ApiError, ``full`` if the table is."""
        present = self.owner(destination)
        if present == owner:
            return
        if present is not None:
            raise CONFLICT("RouteDest", destination, f"is published already, by {present}")
        table = self._system_table
        try:
            Room(self.call, table).check(IPv4Network(destination), _WORDS)
        except ApiError as error:
            refused = full if error.code == TOO_MANY.code else CONFLICT
            raise refused.because(f"It cannot be published. {error.detail}") from None
        route_tables.add_entry(
            self.call.transaction,
            RouteEntryRow(
                id=ids.resource_id("rte", self.gateway.region_id),
                account_id=self.call.account_id,
                route_table_id=table.id,
                destination=destination,
                next_hop_type=VPN_GATEWAY,
                next_hop_id=self.gateway.id,
                name="",
                description="",
                created_at=self.call.now,
                modified_at=self.call.now,
            ),
        )
        self.rerouted = True

    def withdraw(self, gone: Iterable[VpnRouteRow | VpnPolicyRow]) -> None:
        """Take out the VPC's entries of routes that are deleted or withdrawn, unless others stand behind them too."""
        gone = list(gone)
        alone = {row.destination for row in gone if row.published and self.owner(row.destination, but=gone) is None}
        if not alone:
            return
        for entry in route_tables.leading_to(self.call.transaction, [self.gateway.id]):
            if entry.route_table_id == self._system_table.id and entry.destination in alone:
                route_tables.drop_entry(self.call.transaction, entry.id)
                self.rerouted = True

    def settle(self, reason: str) -> None:
        """Have the hosts know what has been changed; ``reason`` is what the gateway's event says."""
        want_anew(self.call, [self.gateway], reason, [self.gateway.vpc_id] if self.rerouted else [])

    @cached_property
    def _system_table(self) -> RouteTableView:
        system = route_tables.of_vpcs(self.call.transaction, [self.gateway.vpc_id])[0]
        table = route_tables.view(self.call.transaction, self.call.account_id, system.id)
        if table is None:
            raise AssertionError(f"{self.gateway.vpc_id} has no system route table")
        return table
