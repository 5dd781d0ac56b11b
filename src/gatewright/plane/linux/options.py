"""What a host's administrator says of it: where the public pool is connected, and which bridges are vSwitches."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field


class UplinkMode(enum.StrEnum):
    """How hosts outside get at the pool's addresses."""

    #: Whoever is upstream routes the pool to this host.
    ROUTED = "routed"
    #: This host answers ARP on the interface for the addresses that are in use here.
    PROXY_ARP = "proxy-arp"


@dataclass(frozen=True)
class UplinkOptions:
    """A public pool on an interface of the host."""

    interface: str
    mode: UplinkMode
    pool: ipaddress.IPv4Network


@dataclass(frozen=True)
class HostOptions:
    """The default: nothing of the host is used, the pool's bridge leads nowhere."""

    uplink: UplinkOptions | None = None
    #: Names of the host's own bridges, by the ids of the vSwitches that they are.
    bridges: Mapping[str, str] = field(default_factory=dict)
    #: The host's IPv4 address in the network between the hosts, by which vSwitches span them; empty for none.
    underlay: str = ""
    #: Seconds between two probes of a tunnel at most, whatever its health check says; None: as it says.
    health_interval: float | None = None

    def __post_init__(self) -> None:
        """Raises ValueError if a bridge is to be two vSwitches."""
        taken: dict[str, str] = {}
        for vswitch_id, bridge in self.bridges.items():
            if bridge in taken:
                raise ValueError(f"bridge {bridge} cannot be both {taken[bridge]} and {vswitch_id}")
            taken[bridge] = vswitch_id
