"""Custom route entries, stored without the API: for what has to mind them."""

from __future__ import annotations

from gatewright.store import route_tables
from gatewright.store.route_tables import RouteEntryRow
from gatewright.store.transaction import Transaction
from tests.support.cell import ACCOUNT, Cell


def add_route(cell: Cell, route_table_id: str, destination: str) -> None:
    """An entry that leads to a VPN gateway."""
    row = RouteEntryRow(
        id=f"rte-{destination}",
        account_id=ACCOUNT,
        route_table_id=route_table_id,
        destination=destination,
        next_hop_type="VpnGateway",
        next_hop_id="vpn-x",
        name="",
        description="",
        created_at=cell.clock.now(),
        modified_at=cell.clock.now(),
    )

    def add(transaction: Transaction) -> None:
        route_tables.add_entry(transaction, row)

    cell.run(cell.database.write(add))
