"""The gateways' instances on the simulated plane, which can be killed and recovered."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from gatewright.agent.simulated_host import SimulatedHost
from gatewright.clock import Clock
from gatewright.control.routes import Asked, Body, Refusal, Route
from gatewright.resources.specs import ItemKey, Kind
from gatewright.store import gateways
from gatewright.store.database import Database
from gatewright.store.gateways import InstanceRow


class InstanceAction(Body):
    """What is to happen to an instance."""

    action: Literal["kill", "recover", "carry"]
    #: With ``carry``, what it receives and sends from now on, bits a second.
    received: Annotated[int, msgspec.Meta(ge=0, le=10**12)] = 0
    sent: Annotated[int, msgspec.Meta(ge=0, le=10**12)] = 0


def routes(database: Database, host: SimulatedHost, clock: Clock) -> tuple[Route, ...]:
    """``/v1/instances``."""

    def told(row: InstanceRow) -> dict[str, object]:
        return {
            "id": row.id,
            "gateway": row.gateway_id,
            "zone": row.zone_id,
            "role": row.role,
            "state": host.plane.state(ItemKey(Kind.INSTANCE, row.id)),
        }

    async def tell(asked: Asked) -> list[dict[str, object]]:  # noqa: ARG001 - a request without contents
        return [told(row) for row in await database.read(gateways.every_instance)]

    async def act(asked: Asked) -> dict[str, object]:
        wanted = asked.path["id"]
        row = await database.read(lambda transaction: gateways.instance(transaction, wanted))
        if row is None:
            raise Refusal(404, f"there is no instance {wanted}; GET /v1/instances lists them", "id")
        body: InstanceAction = asked.body
        key = ItemKey(Kind.INSTANCE, row.id)
        if body.action == "kill":
            host.plane.kill(key)
        elif body.action == "recover":
            host.plane.recover(key)
        else:
            host.plane.carry(key, body.received, body.sent, clock.now)
        return told(row)

    return (
        Route("GET", "/v1/instances", tell, settles=True),
        Route("POST", "/v1/instances/{id}", act, InstanceAction, settles=True),
    )
