"""The command: runs the parts, prints the table, writes the file and what is drawn from it.

A goal that is missed is no failure.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts import generate_docs

from bench import (
    bandwidth,
    carrying,
    connections,
    creates,
    failover,
    growth,
    hundred,
    linux_plane,
    load,
    mixed,
    pages,
    report,
    results,
    starts,
)
from bench.figures import Part
from bench.memory import Memory
from bench.moto import Missing, Moto
from bench.ours import Gatewright
from bench.processes import resident_mb

PARTS = ("start", "api", "growth", "mixed", "linux", "hundred", "bandwidth", "carrying", "connections", "failover")


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    starts: int
    rounds: int
    single: int
    eight: int
    pages: int
    moto_pages: int
    many: int
    reads: int
    seconds: float
    gateways: int
    #: Seconds for each figure of the bandwidth.
    stream: int
    at_once: int
    hundred: int
    idle: float
    #: Streams through a tunnel each way and of each kind, and how long each is, seconds.
    streams: int
    carried: int
    #: First pings, changes of a connection, connections of a gateway, and gateways with so many.
    pings: int
    changes: int
    connections: int
    connected: int
    #: Trials of each kind of failure, and of the health check as documented, which takes its time.
    failovers: int
    slow_failovers: int


FULL = Scale(
    starts=7,
    rounds=5,
    single=250,
    eight=1000,
    pages=250,
    moto_pages=8,
    many=100_000,
    reads=500,
    seconds=60,
    gateways=40,
    stream=8,
    at_once=5,
    hundred=100,
    idle=30,
    streams=3,
    carried=4,
    pings=20,
    changes=20,
    connections=50,
    connected=4,
    failovers=30,
    slow_failovers=2,
)
QUICK = Scale(
    starts=3,
    rounds=2,
    single=100,
    eight=400,
    pages=100,
    moto_pages=3,
    many=10_000,
    reads=200,
    seconds=10,
    gateways=5,
    stream=3,
    at_once=1,
    hundred=20,
    idle=10,
    streams=2,
    carried=2,
    pings=5,
    changes=4,
    connections=8,
    connected=2,
    failovers=4,
    slow_failovers=1,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Gatewright beside moto and a floor.")
    parser.add_argument("--quick", action="store_true", help="measure less: figures are rougher")
    parser.add_argument("--only", choices=PARTS, action="append", help="run this part (may be given again)")
    parsed = parser.parse_args(arguments)
    scale = QUICK if parsed.quick else FULL
    wanted = parsed.only or PARTS
    begun = time.monotonic()
    # Below /var/tmp, which is on a disk where /tmp may be memory: a commit is to cost what it costs.
    with tempfile.TemporaryDirectory(prefix="gw-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        # The linux plane's API may run as a user of its own.
        folder.chmod(0o755)
        measured = results.conditions(folder, quick=parsed.quick)
        parts = _measure(folder, scale, wanted)
    results.write(parts, measured)
    print(report.table([figure for part in parts.values() for figure in part.figures]))
    print()
    for part in parts.values():
        for remark in part.remarks:
            print(f"* {remark}")
    print(f"* Load of the machine before: {measured['load_before']:g}; {time.monotonic() - begun:.0f} s in all.")
    print(f"* All runs: {results.RESULTS}")
    _say("tables and plots ...")
    return generate_docs.main([])


def _measure(folder: Path, scale: Scale, wanted: Sequence[str]) -> Mapping[str, Part]:
    parts: dict[str, Part] = {}
    if "start" in wanted:
        _say("start ...")
        parts["start"] = starts.measure(folder, times=scale.starts)
    if "api" in wanted:
        try:
            parts.update(_api(folder, scale))
        except Missing as missing:
            parts["api"] = Part([], [f"API not measured: {missing}."], {})
    if "growth" in wanted:
        _say(f"{scale.many:,} gateways ...")
        parts["growth"] = growth.measure(folder, many=scale.many, rounds=scale.rounds, count=scale.reads)
    if "mixed" in wanted:
        _say(f"mixed calls, {scale.seconds:g} s on each database ...")
        parts["mixed"] = mixed.measure(folder, seconds=scale.seconds)
    if "linux" in wanted:
        _say("linux plane ...")
        try:
            parts["linux"] = linux_plane.measure(folder, times=scale.gateways, rounds=scale.at_once)
        except linux_plane.Unavailable as reason:
            parts["linux"] = Part([], [f"Linux plane not measured: {reason}"], {})
    if "bandwidth" in wanted:
        _say("bandwidth ...")
        try:
            parts["bandwidth"] = bandwidth.measure(seconds=scale.stream)
        except bandwidth.Unavailable as reason:
            parts["bandwidth"] = Part([], [f"Bandwidth not measured: {reason}"], {})
    if "carrying" in wanted:
        _say("streams through tunnels ...")
        try:
            parts["carrying"] = carrying.measure(seconds=scale.carried, rounds=scale.streams)
        except carrying.Unavailable as reason:
            parts["carrying"] = Part([], [f"What tunnels carry not measured: {reason}"], {})
    if "connections" in wanted:
        _say(f"{scale.connected} gateways with {scale.connections} connections ...")
        try:
            parts["connections"] = connections.measure(
                folder,
                pings=scale.pings,
                changes=scale.changes,
                many=scale.connections,
                gateways=scale.connected,
                idle=scale.idle,
            )
        except linux_plane.Unavailable as reason:
            parts["connections"] = Part([], [f"Connections not measured: {reason}"], {})
    if "hundred" in wanted:
        _say(f"{scale.hundred} gateways on the linux plane ...")
        try:
            linux_plane.check()
            parts["hundred"] = hundred.measure(folder, gateways=scale.hundred, idle=scale.idle)
        except linux_plane.Unavailable as reason:
            parts["hundred"] = Part([], [f"{scale.hundred} gateways not measured: {reason}"], {})
    if "failover" in wanted:
        _say("failover ...")
        try:
            linux_plane.check()
            parts["failover"] = failover.measure(folder, trials=scale.failovers, slow=scale.slow_failovers)
        except linux_plane.Unavailable as reason:
            parts["failover"] = Part([], [f"Failover not measured: {reason}"], {})
    return parts


def _api(folder: Path, scale: Scale) -> dict[str, Part]:
    """Pages, creates and memory, on one service and one moto."""
    memory = Memory()
    with Moto(folder / "moto.log") as moto, Gatewright(folder / "api") as ours:
        network = ours.network()
        memory.note("idle", resident_mb(ours.pid))
        _say(f"{pages.GATEWAYS} gateways on both sides ...")
        load.run(ours.port, 8, ours.creates(network, pages.GATEWAYS), expected='"vpn-')
        load.run(moto.port, 8, moto.creates(pages.GATEWAYS), expected=">vgw-")
        ours.settle()
        memory.note(f"after {pages.GATEWAYS} creates", resident_mb(ours.pid))
        _say("pages ...")
        paged = pages.measure(ours, moto, rounds=scale.rounds, count=scale.pages, moto_count=scale.moto_pages)
        _say("creates ...")
        created = creates.measure(ours, network, moto, rounds=scale.rounds, single=scale.single, eight=scale.eight)
        memory.note(f"after the load, {ours.gateways():,} gateways", resident_mb(ours.pid))
    return {"create": created, "page": paged, "memory": memory.part()}


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
