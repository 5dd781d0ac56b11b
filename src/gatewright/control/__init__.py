"""Steering the simulated plane: time, delays, capacity, faults, snapshots, over an HTTP API of its own. For tests."""
