"""The simulated plane: the same states and timings, no packets, no root."""

from gatewright.plane.simulated.peers import Behaviour, Peers
from gatewright.plane.simulated.plane import Remembered, SimulatedPlane, Work
from gatewright.plane.simulated.timing import AtOnce, Change, Timing
from gatewright.plane.simulated.tunnels import RememberedTunnel

__all__ = [
    "AtOnce",
    "Behaviour",
    "Change",
    "Peers",
    "Remembered",
    "RememberedTunnel",
    "SimulatedPlane",
    "Timing",
    "Work",
]
