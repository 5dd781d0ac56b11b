"""Addresses of tunnels' links, whatever carries their packets."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.plane.linux.tunnels import marks
from gatewright.resources.tunnels import TunnelSpec


def tunnel_addresses(tunnel: TunnelSpec) -> set[tuple[str, int]]:
    """What a tunnel's link has in the instance's namespace: our end of BGP's network, if there is BGP."""
    if tunnel.bgp is None:
        return set()
    return {(tunnel.bgp.local_address, ipaddress.IPv4Network(tunnel.bgp.network).prefixlen)}


def dress(rtnl: Rtnl, link: Link, tunnel: TunnelSpec) -> None:
    """Have a tunnel's addresses on its link; marks that are there stay. Raises PlaneError."""
    set_addresses(rtnl, link, tunnel_addresses(tunnel) | _marks(rtnl, link))


def dressed(addresses: Collection[tuple[str, int]], tunnel: TunnelSpec) -> bool:
    """Whether :func:`dress` would change nothing of a link with these addresses. Pure."""
    return {one for one in addresses if not marks.is_mark(one)} == tunnel_addresses(tunnel)


def mark(rtnl: Rtnl, link: Link, wanted: Collection[str]) -> None:
    """Have exactly these marks on a tunnel's link. Raises PlaneError."""
    present = {address for address, _ in _marks(rtnl, link)}
    for address in present.difference(wanted):
        rtnl.delete_address(link, address, marks.PREFIX)
    for address in set(wanted).difference(present):
        rtnl.add_address(link, address, marks.PREFIX, idle=True)


def _marks(rtnl: Rtnl, link: Link) -> set[tuple[str, int]]:
    return {one for one in rtnl.addresses(link) if marks.is_mark(one)}


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
