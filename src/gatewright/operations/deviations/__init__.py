"""Where an operation differs from the API's reference on purpose, and why: one module a family of operations.

The conformance tests compare every declared operation with the reference data and fail on a difference that does not
stand here, and on an entry here that is no difference any more. The coverage page shows the table. Behaviour that no
document states is marked as assumed.
"""

from __future__ import annotations

from gatewright.operations.deviations import (
    other_products,
    route_tables,
    shared,
    tagging,
    vpcs,
    vpn_attachments,
    vpn_connections,
    vpn_gateways,
    vpn_routes,
)
from gatewright.operations.deviations.entries import NOT_TOLD, Deviation, Difference, Kind

__all__ = ["DEVIATIONS", "NOT_TOLD", "Deviation", "Difference", "Kind"]

DEVIATIONS: tuple[Deviation, ...] = (
    *shared.ENTRIES,
    *route_tables.ENTRIES,
    *tagging.ENTRIES,
    *vpcs.ENTRIES,
    *vpn_gateways.ENTRIES,
    *vpn_routes.ENTRIES,
    *vpn_connections.ENTRIES,
    *vpn_attachments.ENTRIES,
    *other_products.ENTRIES,
)
