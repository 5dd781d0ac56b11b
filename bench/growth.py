"""What reads and memory cost when there is much: 100,000 gateways beside 100, read from in turns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench import load
from bench.figures import Figure, Part, median
from bench.load import Load
from bench.ours import Gatewright, Network
from bench.processes import resident_mb

FEW = 100
_TOPIC = "growth"
_TIMES = 1.5
#: The number of gateways after which memory has its goal.
_MEMORY_AT = 10_000
_MEMORY_MB = 90.0
_CHUNK = 2_500
_CONNECTIONS = 8


def measure(folder: Path, *, many: int, rounds: int, count: int) -> Part:
    """Fill one service with ``many`` gateways and one with a few, then read from both, ``count`` calls a run."""
    figures: list[Figure] = []
    runs: dict[str, Any] = {}
    with Gatewright(folder / "few") as few, Gatewright(folder / "many") as much:
        resident = {0: resident_mb(much.pid)}
        _fill(few, FEW)
        resident |= _fill(much, many)
        for name, requests, expected in (
            ("one by its id", "describes", '"VpnGatewayId":"vpn-'),
            ("the first page of 50", "pages", '"VpnGateways"'),
        ):
            at_few: list[Load] = []
            at_many: list[Load] = []
            for _ in range(rounds):
                for service, into in ((few, at_few), (much, at_many)):
                    into.append(load.run(service.port, 1, getattr(service, requests)(count), expected=expected))
            figures.append(_figure(f"{name}, {many:,} gateways", at_few, at_many))
            runs[name] = {str(FEW): [run.document() for run in at_few], str(many): [r.document() for r in at_many]}
        total = json.loads(at_many[0].first.partition("\r\n\r\n")[2])["TotalCount"]
        if total != many:
            raise load.Refused(f"there are {total} gateways and not {many}")
    for gateways, megabytes in resident.items():
        goal, met = (f"< {_MEMORY_MB:g} MB", megabytes < _MEMORY_MB) if gateways == _MEMORY_AT else ("", None)
        figures.append(Figure(_TOPIC, f"API in memory, {gateways:,} gateways", "MB", megabytes, goal=goal, met=met))
    runs["resident_mb"] = {str(gateways): round(megabytes, 1) for gateways, megabytes in resident.items()}
    return Part(figures, [], runs)


def _fill(service: Gatewright, gateways: int) -> dict[int, float]:
    """Order so many gateways and wait until they are active. Returns the memory at the moments that count."""
    resident: dict[int, float] = {}
    networks: list[Network] = []
    done = 0
    while done < gateways:
        # A vSwitch of /16 has an address for 65,532 of them.
        if done % 50_000 == 0:
            networks.append(service.network())
        chunk = min(_CHUNK, gateways - done)
        load.run(service.port, _CONNECTIONS, service.creates(networks[-1], chunk), expected='"vpn-')
        service.settle()
        done += chunk
        if done in (_MEMORY_AT, gateways):
            resident[done] = resident_mb(service.pid)
    return resident


def _figure(name: str, few: list[Load], many: list[Load]) -> Figure:
    at_few, at_many = median([run.p50 for run in few]), median([run.p50 for run in many])
    ratio = at_many / at_few
    return Figure(
        _TOPIC, f"{name}, p50", "ms", at_many, at_few, f"{FEW}", ratio, f"<= {_TIMES:g}x that at {FEW}", ratio <= _TIMES
    )
