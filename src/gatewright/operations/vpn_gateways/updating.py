"""Writes on a gateway and on what belongs to it: whether it takes one now, and having its hosts bring it about.

Writes on one gateway queue up: each is stored at once, and its hosts come to what was stored last. So clients, which
retry on ``VpnGateway.Configuring``, never need to. ``busy_gateways`` has it answered as the cloud does: a gateway that
is not ``active`` takes no write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.reconcile.telling import of_gateway
from gatewright.resources.statuses import GatewayStatus
from gatewright.store import connections, events, gateways, placements
from gatewright.store.gateways import GatewayRow

Row = TypeVar("Row", bound=GatewayRow)

CONFIGURING = ErrorRow(
    400,
    "VpnGateway.Configuring",
    "The specified service is configuring.",
    "The gateway is being deleted; or with --busy-gateways refuse it is not active yet: try again.",
)


def check_changeable(call: Call, row: GatewayRow, parameter: str = "VpnGatewayId") -> None:
    """Refuse a write on a gateway or what belongs to it, if it takes none now. Raises VpnGateway.Configuring."""
    if row.status == GatewayStatus.DELETING:
        raise CONFIGURING(parameter, row.id, "is being deleted")
    if call.installation.busy_gateways == "refuse" and row.status != GatewayStatus.ACTIVE:
        raise CONFIGURING(parameter, row.id, f"is {row.status}, and this installation takes writes while it is active")


def networks_changed(call: Call, vpc_id: str) -> None:
    """Have the gateways of a VPC that have connections know its networks, which customers are told by BGP."""
    connected = connections.connected_in(call.transaction, vpc_id)
    want_anew(call, gateways.find_all(call.transaction, connected), f"the networks of {vpc_id} change")


def want_anew(call: Call, rows: Sequence[Row], reason: str, vpc_ids: Sequence[str] = ()) -> list[Row]:
    """Want the next generation of gateways, and store their rows: ``active`` ones are ``updating`` until hosts have it.

    ``reason`` is what their events say. The routers of ``vpc_ids`` are wanted anew with them. One that is being deleted
    stays as it is. Returns the rows as they are stored.
    """
    wanted = [
        row
        if row.status == GatewayStatus.DELETING
        else msgspec.structs.replace(
            row,
            generation=row.generation + 1,
            status=GatewayStatus.UPDATING.value if row.status == GatewayStatus.ACTIVE else row.status,
        )
        for row in rows
    ]
    changed = [(row, after) for row, after in zip(rows, wanted, strict=True) if after is not row]
    placements.want_all(call.transaction, {after.id: after.generation for _, after in changed}, vpc_ids)
    for _, after in changed:
        gateways.change(call.transaction, after)
    begun = [(row, after) for row, after in changed if after.status != row.status]
    events.add(call.transaction, [of_gateway(row, after.status, call.now, reason) for row, after in begun])
    return wanted
