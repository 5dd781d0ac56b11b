"""What gets through a public gateway's leg, held against the ordered bandwidth: on the wire, as TCP and as UDP."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.plane.linux.lab import Lab, instance, opened, vswitch
from tests.plane.linux.peer import DIRECTIONS, Direction, flooded, passed, plugged, streamed

from bench.figures import Figure, Part
from gatewright import ids

_TOPIC = "bandwidth"
_ORDERED = (10, 100, 200)
_OWN, _PEER = "198.51.100.1", "198.51.100.77"
_WIRE, _GOODPUT = 0.02, 0.93
_SENT = "UDP sent"


class Unavailable(Exception):
    """The bandwidth cannot be measured here; says why."""


def measure(*, seconds: int) -> Part:
    """Every ordered bandwidth in both directions; each figure takes so many seconds. Raises Unavailable."""
    if os.geteuid() != 0:
        raise Unavailable("it needs root")
    lab = Lab(ids.installation_id(), Path(tempfile.mkdtemp(prefix="gw-bench-", dir="/tmp")))
    figures: list[Figure] = []
    runs: dict[str, Any] = {}
    try:
        for generation, ordered in enumerate(_ORDERED, 1):
            asyncio.run(_order(lab, generation, ordered))
            with plugged(lab, lab.names.uplink.name, f"{_PEER}/24") as peer:
                for direction in DIRECTIONS:
                    measured = _measure(lab, peer.namespace, ordered, direction, seconds)
                    runs[f"{ordered} {direction}"] = {name: round(value, 3) for name, value in measured.items()}
                    figures += _figures(ordered, direction, measured)
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error
    finally:
        lab.sweep()
    remark = (
        "On the wire: whole frames by the counter of the receiving link, with 1.4 times as much UDP sent;"
        " TCP and UDP: what iperf3 received. Full frames of TCP carry 1,448 of 1,514 bytes, of UDP 1,448 of 1,490."
        " Out: what the gateway sends, at its end of the leg; in: what it is sent."
    )
    return Part(figures, [remark], runs)


async def _order(lab: Lab, generation: int, bandwidth: int) -> None:
    spec = instance(generation=generation, bandwidth=bandwidth, public=(_OWN,), ipsec=False)
    async with asyncio.timeout(60), opened(lab) as (plane, _):
        await plane.apply(vswitch())
        await plane.apply(spec)
    lab.open_wide(spec)


def _measure(lab: Lab, peer: str, ordered: int, direction: Direction, seconds: int) -> dict[str, float]:
    inside = lab.namespace(instance())
    ends = (inside, peer, _PEER, _OWN) if direction == "out" else (peer, inside, _OWN, _PEER)
    link = "eth" if direction == "out" else "wan"
    with flooded(*ends, ordered * 1.4):
        passed(ends[1], link, 1)  # until its queue is full
        window = passed(ends[1], link, seconds)
    tcp = streamed(peer, inside, _OWN, direction, seconds=seconds)
    # a buffer for 40 ms and more, so that it is not how soon a busy machine gives iperf3 its turn that is measured
    load = ("-u", "-b", f"{ordered * 1.1:g}M", "-w", "2M")
    udp = streamed(peer, inside, _OWN, direction, *load, seconds=seconds)
    return {
        "on the wire": (window.least + window.most) / 2,
        "TCP": tcp.received,
        "UDP": udp.received,
        _SENT: udp.sent,
    }


def _figures(ordered: int, direction: Direction, measured: dict[str, float]) -> list[Figure]:
    figures = []
    met: bool | None
    for name in ("on the wire", "TCP", "UDP"):
        share = measured[name] / ordered
        if name == "on the wire":
            goal, met = f"{1 - _WIRE:g} to {1 + _WIRE:g}", abs(share - 1) <= _WIRE
        else:
            goal, met = f">= {_GOODPUT:g}", share >= _GOODPUT
        if name == "UDP" and not met and measured[_SENT] < ordered:
            goal, met = f"{goal}: not tried, iperf3 sent {measured[_SENT] / ordered:.2f} on this machine", None
        figures.append(Figure(_TOPIC, f"{ordered} Mbit/s {direction}, {name}", "of it", share, goal=goal, met=met))
    return figures
