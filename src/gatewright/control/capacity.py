"""How many instances each zone takes."""

from __future__ import annotations

from gatewright.control.routes import Asked, Body, Route, wrong
from gatewright.resources.regions import regions
from gatewright.store import capacities
from gatewright.store.database import Database
from gatewright.store.transaction import Transaction

_MOST = 1_000_000


class CapacityChange(Body):
    """A zone's new capacity; null for any number."""

    region: str
    zone: str
    instances: int | None


def routes(database: Database) -> tuple[Route, ...]:
    """``/v1/capacity``."""

    async def tell(asked: Asked) -> list[dict[str, object]]:  # noqa: ARG001 - a request without contents
        return [
            {"region": row.region_id, "zone": row.zone_id, "instances": row.instances}
            for row in await database.read(capacities.every)
        ]

    async def change(asked: Asked) -> list[dict[str, object]]:
        body: CapacityChange = asked.body
        region = regions().get(body.region)
        if region is None:
            raise wrong("region", f"must be one of {', '.join(regions())}")
        if body.zone not in region.zones:
            raise wrong("zone", f"must be one of {', '.join(region.zones)}")
        instances = body.instances
        if instances is not None and not 0 <= instances <= _MOST:
            raise wrong("instances", f"must be 0 to {_MOST}, or null for any number")

        def put(transaction: Transaction) -> None:
            if instances is None:
                capacities.drop(transaction, body.region, body.zone)
            else:
                capacities.put(transaction, body.region, body.zone, instances)

        await database.write(put)
        return await tell(asked)

    return (Route("GET", "/v1/capacity", tell), Route("POST", "/v1/capacity", change, CapacityChange))
