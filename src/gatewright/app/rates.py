"""Puts together what ``throttling = exact`` means: the published figures of the operations that are served."""

from __future__ import annotations

from gatewright.clock import Clock
from gatewright.operations.call import Installation
from gatewright.operations.declaration import VPC
from gatewright.operations.registry import registry
from gatewright.resources.limits import call_limits
from gatewright.wire.throttling import Throttle


def published_rates(clock: Clock, installation: Installation) -> Throttle:
    """What refuses calls that come too often. Operations of other products than Vpc are not limited (*assumed*)."""
    limits = {
        named: limit
        for named, operation in registry().items()
        if operation.product == VPC and (limit := call_limits().of(operation.name)) is not None
    }
    return Throttle(clock, limits, installation.regions, installation.default_region)
