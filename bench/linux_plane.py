"""From the order to a real, running dual-tunnel gateway, beside the same daemons started by hand."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.support.client import Refused

from bench.figures import Figure, Part, median, percentile
from bench.floor import CHARON, Floor
from bench.ours import Gatewright, Network
from bench.sweep import sweep

_TOPIC = "linux plane"
_GOAL = 0.5
_PATIENCE = 20.0
_PAUSE = 0.002


class Unavailable(Exception):
    """The linux plane cannot be measured here; says why."""


def measure(folder: Path, *, times: int) -> Part:
    """One gateway after the other, each in turns with the floor. Raises Unavailable."""
    if os.geteuid() != 0:
        raise Unavailable("it needs root")
    if not CHARON.exists():
        raise Unavailable(f"{CHARON} is not installed")
    data = folder / "linux"
    floor = Floor(folder)
    created: list[float] = []
    deleted: list[float] = []
    built: list[float] = []
    removed: list[float] = []
    try:
        with Gatewright(data, "linux") as ours:
            network = ours.network()
            for _ in range(times):
                active, gone = _gateway(ours, network)
                created.append(active)
                deleted.append(gone)
                by_hand = floor.once()
                built.append(by_hand[0])
                removed.append(by_hand[1])
            ours.drop(network)
    except (AssertionError, TimeoutError) as error:
        raise Unavailable(f"serve --plane linux: {error}") from error
    finally:
        sweep(data)
    p50 = median(created)
    return Part(
        [
            Figure(
                _TOPIC,
                "create to active, p50",
                "s",
                p50,
                median(built),
                "by hand",
                p50 / median(built),
                f"< {_GOAL} s",
                p50 < _GOAL,
            ),
            _figure("create to active, p90", percentile(created, 90), percentile(built, 90)),
            _figure("delete to gone, p50", median(deleted), median(removed)),
            _figure("delete to gone, p90", percentile(deleted, 90), percentile(removed, 90)),
        ],
        ["By hand: two namespaces and two charons, without addresses, bridges, filters or shaping; ratios are of it."],
        {
            name: [round(one, 4) for one in seconds]
            for name, seconds in (
                ("create_to_active_s", created),
                ("delete_to_gone_s", deleted),
                ("built_by_hand_s", built),
                ("removed_by_hand_s", removed),
            )
        },
    )


def _figure(name: str, value: float, beside: float) -> Figure:
    return Figure(_TOPIC, name, "s", value, beside, "by hand", value / beside)


def _gateway(ours: Gatewright, network: Network) -> tuple[float, float]:
    """Seconds from the order until ``active``, and from the deletion until it is not found. Raises TimeoutError."""
    begun = time.perf_counter()
    gateway = ours.client.call("CreateVpnGateway", **network.order())["VpnGatewayId"]
    status = ""
    while status != "active":
        status = ours.client.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"]
        _pause(begun, f"{gateway} is {status}")
    active = time.perf_counter() - begun
    begun = time.perf_counter()
    ours.client.call("DeleteVpnGateway", VpnGatewayId=gateway)
    while True:
        try:
            ours.client.call("DescribeVpnGateway", VpnGatewayId=gateway)
        except Refused as refused:
            if refused.status != 404:
                raise
            return active, time.perf_counter() - begun
        _pause(begun, f"{gateway} is there still")


def _pause(begun: float, how_it_stands: str) -> None:
    if time.perf_counter() - begun > _PATIENCE:
        raise TimeoutError(f"{how_it_stands} after {_PATIENCE:g} s")
    time.sleep(_PAUSE)
