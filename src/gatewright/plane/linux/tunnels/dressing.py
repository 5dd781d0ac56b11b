"""Addresses of tunnels' links, whatever carries their packets."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.resources.tunnels import TunnelSpec


def tunnel_addresses(tunnel: TunnelSpec) -> set[tuple[str, int]]:
    """What a tunnel's link has in the instance's namespace: our end of BGP's network, if there is BGP."""
    if tunnel.bgp is None:
        return set()
    return {(tunnel.bgp.local_address, ipaddress.IPv4Network(tunnel.bgp.network).prefixlen)}


def set_addresses(rtnl: Rtnl, link: Link, wanted: Collection[tuple[str, int]]) -> None:
    """Have exactly these addresses on a link, with their prefix lengths. Raises PlaneError."""
    present = rtnl.addresses(link)
    for address, prefix in present.difference(wanted):
        rtnl.delete_address(link, address, prefix)
    if not present.issubset(wanted):
        # the kernel deletes secondary addresses along with their primary
        present = rtnl.addresses(link)
    for address, prefix in wanted:
        if (address, prefix) not in present:
            rtnl.add_address(link, address, prefix)
