"""The catalogue of regions: their zones, tunnel mode and the bandwidths that gateways are offered with.

The data (``regions.json``) says where each part is from; bandwidths are those of the CreateVpnGateway page unless a
region's entry has its own.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec

PUBLIC_BANDWIDTHS = (10, 100, 200, 500, 1000)
PRIVATE_BANDWIDTHS = (200, 1000)


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """One region."""

    id: str = msgspec.field(name="RegionId")
    local_name: str = msgspec.field(name="LocalName")
    tunnel_mode: str = msgspec.field(name="tunnelMode")
    gateway_zones: tuple[str, ...] = msgspec.field(name="zonesWithVpnGateways")
    other_zones: tuple[str, ...] = msgspec.field(name="otherZones")
    #: Mbit/s, by network type.
    public_bandwidths: tuple[int, ...] = msgspec.field(name="publicBandwidths", default=PUBLIC_BANDWIDTHS)
    private_bandwidths: tuple[int, ...] = msgspec.field(name="privateBandwidths", default=PRIVATE_BANDWIDTHS)
    note: str = ""

    @property
    def dual_tunnel(self) -> bool:
        """Whether gateways here have two instances, and IPsec connections two tunnels."""
        return self.tunnel_mode == "dual"

    @property
    def zones(self) -> tuple[str, ...]:
        """All zones, those with VPN gateways first."""
        return self.gateway_zones + self.other_zones

    def bandwidths(self, network_type: str) -> tuple[int, ...]:
        """What a gateway of a network type may be ordered with, Mbit/s."""
        return self.private_bandwidths if network_type == "private" else self.public_bandwidths


class _File(msgspec.Struct):
    regions: list[Region]


@cache
def regions() -> dict[str, Region]:
    """All regions by id, in the catalogue's order."""
    text = resources.files("gatewright.resources").joinpath("regions.json").read_bytes()
    return {region.id: region for region in msgspec.json.decode(text, type=_File).regions}
