"""The simulated plane: the same states and timings, no packets, no root."""

from gatewright.plane.simulated.plane import Remembered, SimulatedPlane, Work
from gatewright.plane.simulated.timing import AtOnce, Change, Timing

__all__ = ["AtOnce", "Change", "Remembered", "SimulatedPlane", "Timing", "Work"]
