"""What a gateway's diagnosis says, item by item: from facts to levels and descriptions. Pure.

The items that are documented come first; those that begin with ``Gatewright`` are ours, for what those leave out.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any, NamedTuple

import msgspec

from gatewright.resources.diagnosis import Finding
from gatewright.resources.troubles import Cause, Severity
from gatewright.resources.tunnel_states import TunnelStatus


class Level(enum.StrEnum):
    """``DiagnoseResultLevel``."""

    NORMAL = "normal"
    WARNING = "warning"
    ERROR = "error"


class Item(msgspec.Struct, frozen=True):
    """One item: ``DiagnoseName``, ``DiagnoseResultLevel``, and what ``DiagnoseResultDescription`` has as JSON."""

    name: str
    level: Level
    description: dict[str, Any]


class Ends(NamedTuple):
    """One tunnel of the connection, and what was found out about it."""

    tunnel_id: str
    role: str
    peer: str
    status: TunnelStatus
    #: What is configured here, by parameter.
    configured: Mapping[str, str]
    findings: Sequence[Finding]


class Instance(NamedTuple):
    """One of the gateway's two halves."""

    id: str
    zone_id: str
    #: Whether it runs what is wanted, and whether its host has been heard of lately.
    current: bool
    away: bool
    #: What its host says is wrong.
    detail: str


class Entry(NamedTuple):
    """An entry of a route table of the VPC."""

    route_table_id: str
    destination: str
    next_hop: str


class Pair(NamedTuple):
    """The addresses that are to reach each other: one in the VPC, one behind the device."""

    source: str
    destination: str


_UP = TunnelStatus.IPSEC_SA_ESTABLISHED
_LEVELS = {Severity.CRITICAL: Level.ERROR, Severity.WARN: Level.WARNING, Severity.NORMAL: Level.NORMAL}
_ORDER = (Level.NORMAL, Level.WARNING, Level.ERROR)
#: How full a quota is when it is time to say so (*assumed*).
_NEARLY = 0.8
_SILENT = (Cause.PEER_SILENT, Cause.PEER_GONE)
#: What says that nothing was heard of, or asked, the peer.
_UNKNOWN = (Cause.NEGOTIATING, Cause.NOT_BEGUN, Cause.UNSEEN, Cause.HOST, Cause.UPDATING, Cause.DOWN, Cause.SAME_PEER)


def worst(levels: Iterable[Level]) -> Level:
    """The gravest of some levels, ``normal`` of none."""
    return max(levels, key=_ORDER.index, default=Level.NORMAL)


def conflicts(gateway_id: str, ours: Iterable[str], vpc_networks: Iterable[str], entries: Iterable[Entry]) -> Item:
    """``RouteEntryConflict``: routes of the gateway that never get what they are for."""
    found = []
    inside = [IPv4Network(each) for each in vpc_networks]
    others = {each.destination: each for each in entries if each.next_hop != gateway_id}
    for destination in sorted(set(ours)):
        network = IPv4Network(destination)
        for vpc_network in inside:
            if network.subnet_of(vpc_network):
                found.append({"destination": destination, "conflictsWith": f"{vpc_network}, a network of the VPC"})
        if destination in others:
            entry = others[destination]
            where = f"{destination} to {entry.next_hop} in {entry.route_table_id}"
            found.append({"destination": destination, "conflictsWith": where})
    return Item("RouteEntryConflict", Level.WARNING if found else Level.NORMAL, {"conflicts": found})


def quota(name: str, quota_name: str, quantity: int, used: int) -> Item:
    """``VpnRouteQuota``, ``VpnPbrRouteQuota``, ``VpnIPsecQuota``."""
    full = used >= quantity
    level = Level.ERROR if full else Level.WARNING if used >= quantity * _NEARLY else Level.NORMAL
    return Item(name, level, {"quotaName": quota_name, "quantity": quantity, "used": used})


def consistency(ends: Sequence[Ends]) -> Item:
    """``VcoConfigConsistency``: where the two sides are configured differently.

    ``vcoRunningConf`` has what is known of the peer's: all of what is agreed with it, and what it was heard to have
    otherwise.
    """
    running: dict[str, dict[str, str]] = {}
    differing = []
    lacking = []
    levels = []
    for end in ends:
        known = dict(end.configured) if end.status is _UP else {}
        for finding in end.findings:
            if not finding.parameters or finding.severity is Severity.NORMAL or finding.cause in _NO_CONFIGURATION:
                continue
            levels.append(_LEVELS[finding.severity])
            if finding.theirs:
                known[finding.parameters[0]] = finding.theirs
            differing.append(
                {
                    "tunnelId": end.tunnel_id,
                    "parameters": list(finding.parameters),
                    "local": finding.ours,
                    "remote": finding.theirs,
                    "reason": finding.text,
                }
            )
        running[end.tunnel_id] = known
        if not known and not any(each["tunnelId"] == end.tunnel_id for each in differing):
            lacking.append(end.tunnel_id)
            levels.append(Level.WARNING)
    return Item(
        "VcoConfigConsistency",
        worst(levels),
        {
            "vcoLackConf": lacking,
            "vcoConf": {end.tunnel_id: dict(end.configured) for end in ends},
            "vcoRunningConf": running,
            "vcoDiffConf": differing,
        },
    )


#: Findings that are about no parameter which the two sides would have to agree in.
_NO_CONFIGURATION = frozenset(
    (
        *_SILENT,
        *_UNKNOWN,
        Cause.PEER_ENDED,
        Cause.HEALTH,
        Cause.NO_ROUTE,
        Cause.NOT_PUBLISHED,
        Cause.CLOCK,
        Cause.AWAY,
    )
)


def reachability(ends: Sequence[Ends]) -> Item:
    """``VcoUserInternetIpConnectivity``: whether the devices answer, by what was heard of them when IKE asked.

    No packets are sent for it, so there is no ``rtt``.
    """
    told = []
    levels = []
    for end in ends:
        causes = {finding.cause for finding in end.findings}
        silent = end.status is not _UP and bool(causes & set(_SILENT))
        unknown = end.status is not _UP and not silent and bool(causes & set(_UNKNOWN))
        level = Level.ERROR if silent else Level.WARNING if unknown else Level.NORMAL
        loss = "100%" if silent else "unknown" if unknown else "0%"
        levels.append(level)
        told.append({"tunnelId": end.tunnel_id, "targetIp": end.peer, "rtt": "", "lossRate": loss})
    return Item("VcoUserInternetIpConnectivity", worst(levels), _single(told))


def private(pair: Pair, hindrances: Sequence[str]) -> Item:
    """``VcoPrivateConnectivity``: whether everything here leads packets from the one address to the other.

    No packets are sent for it: what the machines at both ends do with them is not known, and there is no ``rtt``.
    """
    return Item(
        "VcoPrivateConnectivity",
        Level.ERROR if hindrances else Level.NORMAL,
        {
            "srcIp": pair.source,
            "targetIp": pair.destination,
            "rtt": "",
            "lossRate": "100%" if hindrances else "unknown",
            "reasons": list(hindrances),
        },
    )


def negotiation(ends: Sequence[Ends]) -> Item:
    """``GatewrightNegotiation``: all that DiagnoseVpnConnections finds, of each tunnel."""
    findings = [(end, finding) for end in ends for finding in end.findings]
    up = any(end.status is _UP for end in ends)
    levels = [_LEVELS[finding.severity] for end, finding in findings if end.status is _UP or not up]
    # the connection carries as long as one of its tunnels does
    levels += [Level.WARNING for end in ends if up and end.status is not _UP]
    return Item(
        "GatewrightNegotiation",
        worst(levels),
        {
            "tunnels": [
                {
                    "tunnelId": end.tunnel_id,
                    "role": end.role,
                    "status": end.status.value,
                    "findings": [
                        {"code": each.code, "severity": each.severity.value, "reason": each.text}
                        for each in end.findings
                    ],
                }
                for end in ends
            ]
        },
    )


def instances(status: str, found: Sequence[Instance]) -> Item:
    """``GatewrightInstances``: whether the gateway's halves stand, and their hosts are heard of."""
    levels = []
    for each in found:
        levels.append(Level.ERROR if each.detail else Level.NORMAL)
        levels.append(Level.NORMAL if each.current and not each.away else Level.WARNING)
    return Item(
        "GatewrightInstances",
        worst(levels) if found else Level.ERROR,
        {
            "status": status,
            "instances": [
                {
                    "instanceId": each.id,
                    "zoneId": each.zone_id,
                    "state": "away" if each.away else "ready" if each.current else "updating",
                    "reason": each.detail,
                }
                for each in found
            ],
        },
    )


def routes(published: Sequence[str], unpublished: Sequence[str], propagated: bool) -> Item:
    """``GatewrightRoutes``: what of the routes through the connection the VPC knows."""
    level = Level.NORMAL if published or propagated else Level.WARNING
    return Item(
        "GatewrightRoutes",
        level,
        {"published": list(published), "unpublished": list(unpublished), "bgpPropagated": propagated},
    )


def _single(told: list[dict[str, str]]) -> dict[str, Any]:
    """Of one tunnel what the documentation shows; of two the same, each with its tunnel."""
    if len(told) == 1:
        return {name: value for name, value in told[0].items() if name != "tunnelId"}
    return {"tunnels": told}
