"""What reads and memory cost the more there is: from 100 gateways to 100,000, beside a service that has 100 always.

Both are read from in turns, so that a noisy neighbour hits both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
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
#: A vSwitch of /16 has an address for 65,532 of them.
_IN_A_NETWORK = 50_000
#: What is read: its name, the method of :class:`Gatewright` that makes the requests, and what every answer has in it.
_READS = (
    ("one by its id", "describes", '"VpnGatewayId":"vpn-'),
    ("the first page of 50", "pages", '"VpnGateways"'),
)


def measure(folder: Path, *, many: int, rounds: int, count: int) -> Part:
    """Fill one service with ``many`` gateways and one with a few; read from both on the way, ``count`` calls a run."""
    figures: list[Figure] = []
    reads: dict[str, list[dict[str, Any]]] = {name: [] for name, _, _ in _READS}
    with Gatewright(folder / "few") as few, Gatewright(folder / "many") as much:
        resident = {0: resident_mb(much.pid)}
        for _ in _filled(few, [FEW]):
            pass
        for gateways in _filled(much, _marks(many)):
            resident[gateways] = resident_mb(much.pid)
            for name, requests, expected in _READS:
                at_few: list[Load] = []
                at_many: list[Load] = []
                for _ in range(rounds):
                    for service, into in ((few, at_few), (much, at_many)):
                        into.append(load.run(service.port, 1, getattr(service, requests)(count), expected=expected))
                reads[name].append(
                    {
                        "gateways": gateways,
                        str(FEW): [run.document() for run in at_few],
                        "all": [run.document() for run in at_many],
                    }
                )
                if gateways == many:
                    figures.append(_figure(f"{name}, {many:,} gateways", at_few, at_many))
            total = json.loads(at_many[0].first.partition("\r\n\r\n")[2])["TotalCount"]
            if total != gateways:
                raise load.Refused(f"there are {total} gateways and not {gateways}")
    for gateways, megabytes in resident.items():
        if gateways in (0, _MEMORY_AT, many):
            goal, met = (f"< {_MEMORY_MB:g} MB", megabytes < _MEMORY_MB) if gateways == _MEMORY_AT else ("", None)
            figures.append(Figure(_TOPIC, f"API in memory, {gateways:,} gateways", "MB", megabytes, goal=goal, met=met))
    memory = {str(gateways): round(megabytes, 1) for gateways, megabytes in resident.items()}
    return Part(figures, [], {"reads": reads, "resident_mb": memory})


def _marks(many: int) -> list[int]:
    """Ten times as many each, from a few on."""
    marks = [FEW]
    while marks[-1] * 10 < many:
        marks.append(marks[-1] * 10)
    return [*marks, many]


def _filled(service: Gatewright, marks: list[int]) -> Iterator[int]:
    """Order gateways; at each of the marks, when so many are active, yield it."""
    networks: list[Network] = []
    done = 0
    for mark in marks:
        while done < mark:
            if done >= _IN_A_NETWORK * len(networks):
                networks.append(service.network())
            chunk = min(_CHUNK, mark - done)
            load.run(service.port, _CONNECTIONS, service.creates(networks[-1], chunk), expected='"vpn-')
            service.settle()
            done += chunk
        yield mark


def _figure(name: str, few: list[Load], many: list[Load]) -> Figure:
    at_few, at_many = median([run.p50 for run in few]), median([run.p50 for run in many])
    ratio = at_many / at_few
    return Figure(
        _TOPIC,
        f"{name}, p50",
        "ms",
        at_many,
        at_few,
        f"among {FEW}",
        ratio,
        f"<= {_TIMES:g}x that at {FEW}",
        ratio <= _TIMES,
    )
