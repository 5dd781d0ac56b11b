"""How long tests wait for what must come. Bounds, never measures: a test that passes has waited for an event."""

from __future__ import annotations

import os

#: How many times longer than on an ordinary machine: `make test-kernel` sets it for its emulated one.
_FACTOR = float(os.environ.get("GATEWRIGHT_TEST_PATIENCE", "1"))


def patience(seconds: float) -> float:
    """A bound in seconds, stretched for the machine that the tests run on."""
    return seconds * _FACTOR
