"""The simulated plane: the same states and timings, no packets, no root."""

from gatewright.plane.simulated.plane import SimulatedPlane

__all__ = ["SimulatedPlane"]
