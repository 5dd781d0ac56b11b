"""Orders a second, and how long one takes, ours and moto's in turns so that a noisy neighbour hits both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench import load
from bench.figures import Figure, Part, median, percentiles
from bench.load import Load
from bench.moto import Moto
from bench.ours import Gatewright, Network
from bench.processes import processor_seconds

_TOPIC = "create"
_TIMES_MOTO = 5.0
_P99_MS = 25.0


def measure(ours: Gatewright, network: Network, moto: Moto, *, rounds: int, single: int, eight: int) -> Part:
    """``single`` and ``eight`` are the requests of one run at 1 and at 8 connections."""
    figures: list[Figure] = []
    remarks: list[str] = []
    runs: dict[str, Any] = {}
    for connections, count in ((1, single), (8, eight)):
        mine: list[Load] = []
        theirs: list[Load] = []
        settled: list[float] = []
        used: list[float] = []
        for _ in range(rounds):
            before = processor_seconds(ours.pid)
            mine.append(load.run(ours.port, connections, ours.creates(network, count), expected='"vpn-'))
            settled.append(ours.settle())
            used.append((processor_seconds(ours.pid) - before) / count * 1e3)
            theirs.append(load.run(moto.port, connections, moto.creates(count), expected=">vgw-"))
        figures += _figures(connections, mine, theirs)
        figures.append(Figure(_TOPIC, f"all active after the last answer, {connections} conn.", "s", median(settled)))
        figures.append(
            Figure(_TOPIC, f"processor time an order, until active, {connections} conn.", "ms", median(used))
        )
        busiest = max(run.generator_busy for run in (*mine, *theirs))
        remarks.append(f"The generator used at most {busiest:.0%} of a core at {connections} conn.")
        runs[f"{connections} connections"] = {
            "gatewright": [run.document() for run in mine],
            "moto": [run.document() for run in theirs],
            "percentiles_ms": {"gatewright": _percentiles(mine), "moto": _percentiles(theirs)},
            "settled_s": [round(seconds, 4) for seconds in settled],
            "processor_ms_an_order": [round(milliseconds, 4) for milliseconds in used],
        }
        if theirs[0].connected > connections:
            remarks.append(f"moto hangs up after every answer: {theirs[0].connected} connections for {count} orders.")
    return Part(figures, list(dict.fromkeys(remarks)), runs)


def _percentiles(loads: Sequence[Load]) -> list[float]:
    """Of all runs together."""
    return percentiles([milliseconds for load in loads for milliseconds in load.latencies_ms])


def _figures(connections: int, mine: Sequence[Load], theirs: Sequence[Load]) -> list[Figure]:
    rate, moto_rate = median([run.rate for run in mine]), median([run.rate for run in theirs])
    goal, met = (f">= {_TIMES_MOTO:g}x moto", rate >= _TIMES_MOTO * moto_rate) if connections == 8 else ("", None)
    at = f"{connections} conn."
    p50, moto_p50 = median([run.p50 for run in mine]), median([run.p50 for run in theirs])
    p99, moto_p99 = median([run.p99 for run in mine]), median([run.p99 for run in theirs])
    return [
        Figure(_TOPIC, at, "/s", rate, moto_rate, "moto", rate / moto_rate, goal, met),
        Figure(_TOPIC, f"{at}, p50", "ms", p50, moto_p50, "moto", moto_p50 / p50),
        Figure(_TOPIC, f"{at}, p99", "ms", p99, moto_p99, "moto", moto_p99 / p99, f"< {_P99_MS:g} ms", p99 < _P99_MS),
    ]
