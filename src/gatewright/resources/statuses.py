"""How what agents saw becomes the status that the API tells. Pure: rows and observations in, words out."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

from gatewright.resources.specs import Phase


class GatewayStatus(enum.StrEnum):
    """``Status`` of a VPN gateway."""

    INIT = "init"
    PROVISIONING = "provisioning"
    ACTIVE = "active"
    UPDATING = "updating"
    DELETING = "deleting"


class PlainStatus(enum.StrEnum):
    """``Status`` of a VPC and of a vSwitch."""

    PENDING = "Pending"
    AVAILABLE = "Available"


class Seen(NamedTuple):
    """What is wanted of one item on one host, and what its agent last reported; no phase means nothing yet."""

    wanted: int
    observed: int
    phase: Phase | None

    @property
    def current(self) -> bool:
        """The host runs what is wanted now."""
        return self.phase is Phase.READY and self.observed >= self.wanted

    @property
    def begun(self) -> bool:
        """An agent has said that it works on the item."""
        return self.phase is not None


def gateway_status(before: GatewayStatus, instances: Iterable[Seen]) -> GatewayStatus:
    """``init -> provisioning -> active <-> updating -> deleting``.

    ``active`` only while every instance was seen to run the wanted generation; ``provisioning`` from the first word
    of an agent; a gateway that was active once is ``updating`` whenever one of its instances is not as wanted.
    ``deleting`` is final: a gateway leaves it by being gone.
    """
    if before is GatewayStatus.DELETING:
        return before
    seen = tuple(instances)
    if seen and all(instance.current for instance in seen):
        return GatewayStatus.ACTIVE
    if before in (GatewayStatus.ACTIVE, GatewayStatus.UPDATING):
        return GatewayStatus.UPDATING
    if any(instance.begun for instance in seen):
        return GatewayStatus.PROVISIONING
    return before


def vpc_status(available_at: int, now: int) -> PlainStatus:
    """``Available`` from a time on: no host has anything to do for a VPC. Milliseconds since the epoch."""
    return PlainStatus.AVAILABLE if now >= available_at else PlainStatus.PENDING


def vswitch_status(before: PlainStatus, hosts: Iterable[Seen]) -> PlainStatus:
    """``Available`` once every host that carries the vSwitch has it; it does not go back from there."""
    if before is PlainStatus.AVAILABLE:
        return before
    seen = tuple(hosts)
    return PlainStatus.AVAILABLE if seen and all(host.current for host in seen) else PlainStatus.PENDING
