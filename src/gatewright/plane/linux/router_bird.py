"""What a VPC's router has its BIRD do, worked out from its spec without touching anything.

Each route table that leads to gateways is a table of BIRD's, which it exports into the kernel's table of that number:
there its routes stand beside those of :mod:`gatewright.plane.linux.router_plan`, and go before the ones that stand in.
"""

from __future__ import annotations

from pathlib import Path

from gatewright.plane.linux import bird_config, router_plan
from gatewright.plane.linux.bird_config import Neighbour, Router, Served
from gatewright.plane.linux.names import Names
from gatewright.resources.specs import RouterSpec, RouteTable


def configuration(spec: RouterSpec, names: Names, log: Path) -> bytes | None:
    """The configuration of the router's BIRD, which writes to ``log``; None if it is to have none.

    Raises ValueError if the spec has what cannot be.
    """
    return bird_config.router(wanted(spec, names), log) if spec.gateways else None


def wanted(spec: RouterSpec, names: Names) -> Router:
    """The same as values."""
    neighbours = []
    for gateway in spec.gateways:
        port = router_plan.port_of(spec, gateway.address)
        if port is not None:
            link = names.port_inside(port.vswitch_id)
            neighbours.append(Neighbour(gateway.address, link, port.address, gateway.preference))
    numbers = router_plan.table_numbers(spec)
    return Router(
        neighbours=tuple(neighbours),
        tables=tuple(
            found for table in spec.tables if (found := _table(spec, table, numbers[table.id])).served or found.learns
        ),
        networks=tuple(port.network for port in spec.ports),
    )


def _table(spec: RouterSpec, table: RouteTable, number: int) -> bird_config.RouteTable:
    return bird_config.RouteTable(
        number=number,
        served=tuple(
            Served(route.destination, route.next_hops) for route in table.routes if router_plan.served(spec, route)
        ),
        learns=tuple(gateway.address for gateway in spec.gateways) if table.learns else (),
    )
