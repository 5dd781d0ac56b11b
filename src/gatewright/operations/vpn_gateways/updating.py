"""Having gateways' hosts bring about what a write changed of what they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from gatewright.operations.call import Call
from gatewright.reconcile.telling import of_gateway
from gatewright.resources.statuses import GatewayStatus
from gatewright.store import events, gateways, placements
from gatewright.store.gateways import GatewayRow

Row = TypeVar("Row", bound=GatewayRow)


def want_anew(call: Call, rows: Sequence[Row], reason: str) -> list[Row]:
    """Want the next generation of gateways, and store their rows: ``active`` ones are ``updating`` until hosts have it.

    ``reason`` is what their events say. One that is being deleted stays as it is. Returns the rows as they are stored.
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
    placements.want_all(call.transaction, {after.id: after.generation for _, after in changed})
    for _, after in changed:
        gateways.change(call.transaction, after)
    begun = [(row, after) for row, after in changed if after.status != row.status]
    events.add(call.transaction, [of_gateway(row, after.status, call.now, reason) for row, after in begun])
    return wanted
