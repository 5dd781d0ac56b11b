"""What passes between the uplink's bridge and the host's interface: the pool's packets, and the host is left alone.

A table of nftables in the host's namespace. It only drops: what it lets pass other tables of the host may still drop.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewright.plane.linux.names import Names
from gatewright.plane.linux.options import UplinkMode, UplinkOptions
from gatewright.plane.linux.ruleset import ACCEPT, DROP, Chain, Rule, Table, field, field_other, meta, network


def name(names: Names) -> str:
    return f"gatewright-{names.installation}-uplink"


def table(names: Names, options: UplinkOptions, bridge: str, *, forwards_anyway: bool) -> Table:
    """``forwards_anyway``: the host would forward what comes in by the interface if we did not make it do so."""
    forward = Chain("forward", "forward", tuple(_forward(options, bridge, forwards_anyway)), policy="accept")
    return Table(
        "inet", name(names), (forward, Chain("input", "input", tuple(_input(options, bridge)), policy="accept"))
    )


def _forward(options: UplinkOptions, bridge: str, forwards_anyway: bool) -> Iterator[Rule]:
    pool = network(str(options.pool))
    from_bridge, to_bridge = meta("iifname", bridge), meta("oifname", bridge)
    from_interface = meta("iifname", options.interface)
    ipv6 = meta("nfproto", "ipv6")
    yield ipv6, from_bridge, DROP
    yield ipv6, to_bridge, DROP
    yield from_bridge, field_other("ip", "saddr", pool), DROP
    # from bridge to bridge: hosts whose bridges call the firewall show it what instances send each other
    yield from_bridge, meta("oifname", bridge, options.interface), ACCEPT
    yield from_bridge, DROP
    if options.mode is UplinkMode.ROUTED:
        yield from_interface, to_bridge, field("ip", "saddr", pool), DROP
    yield from_interface, to_bridge, field("ip", "daddr", pool), ACCEPT
    yield to_bridge, DROP
    if not forwards_anyway:
        yield meta("nfproto", "ipv4"), from_interface, DROP


def _input(options: UplinkOptions, bridge: str) -> Iterator[Rule]:
    pool = network(str(options.pool))
    from_bridge = meta("iifname", bridge)
    yield from_bridge, field("ip", "saddr", pool), field("ip", "protocol", "icmp"), ACCEPT
    yield from_bridge, DROP
    if options.mode is UplinkMode.ROUTED:
        # the bridge's address is no way to the host's services
        outside = meta("iifname", options.interface), field("ip", "daddr", pool)
        yield *outside, field("ip", "protocol", "icmp"), ACCEPT
        yield *outside, DROP
