"""Every operation that is served. A new one is added to its module's ``OPERATIONS``, a new module here."""

from __future__ import annotations

from typing import Any

from gatewright.operations import (
    alb,
    bgp,
    bss,
    customer_gateways,
    deletion_protection,
    diagnosis,
    ecs,
    events,
    identity,
    instances,
    location,
    moving,
    regions,
    resource_manager,
    route_tables,
    tagging,
    vpcs,
    vpn_attachments,
    vpn_connections,
    vpn_gateways,
    vpn_routes,
    vswitches,
)
from gatewright.operations.declaration import Operation

ALL: tuple[type[Operation[Any, Any]], ...] = (
    *regions.OPERATIONS,
    *vpcs.OPERATIONS,
    *vswitches.OPERATIONS,
    *route_tables.OPERATIONS,
    *deletion_protection.OPERATIONS,
    *vpn_gateways.OPERATIONS,
    *vpn_routes.OPERATIONS,
    *customer_gateways.OPERATIONS,
    *bgp.OPERATIONS,
    *vpn_connections.OPERATIONS,
    *diagnosis.OPERATIONS,
    *vpn_attachments.OPERATIONS,
    *tagging.OPERATIONS,
    *moving.OPERATIONS,
    *ecs.OPERATIONS,
    *alb.OPERATIONS,
    *resource_manager.OPERATIONS,
    *location.OPERATIONS,
    *bss.OPERATIONS,
    *identity.OPERATIONS,
    *events.OPERATIONS,
    *instances.OPERATIONS,
)


def registry() -> dict[tuple[str, str], Operation[Any, Any]]:
    """The operations by version and action, as requests name them."""
    return {(operation.product.version, operation.name): operation() for operation in ALL}
