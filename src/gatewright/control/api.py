"""All that the control API serves, put together."""

from __future__ import annotations

from gatewright.control import calls, capacity, clock, delays, faults, instances, snapshot, tunnels
from gatewright.control.cell import Cell
from gatewright.control.endpoint import ControlEndpoint


def control_endpoint(cell: Cell, host: str = "") -> ControlEndpoint:
    """The control API of one service; ``host`` is what it listens on."""
    steering = cell.steering
    return ControlEndpoint(
        (
            *clock.routes(steering.clock),
            *delays.routes(steering.delays),
            *capacity.routes(cell.database),
            *faults.routes(steering.faults),
            *instances.routes(cell.database, cell.host, cell.steering.clock),
            *tunnels.routes(cell.host, cell.steering.peers),
            *snapshot.routes(cell),
            *calls.routes(steering.calls),
        ),
        cell.settle,
        host,
    )
