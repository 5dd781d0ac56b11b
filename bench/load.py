"""Runs one load and judges its answers: a rate is worth nothing if what was answered were errors."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from bench.figures import percentile
from bench.generator import orders

_PATIENCE = 120


@dataclass(frozen=True)
class Load:
    """One run of the generator."""

    seconds: float
    latencies_ms: list[float]
    bytes_per_answer: float
    #: What part of one core the generator itself used: near 1, it and not the server is what was measured.
    generator_busy: float
    connected: int
    first: str
    last: str

    @property
    def rate(self) -> float:
        return len(self.latencies_ms) / self.seconds

    @property
    def p50(self) -> float:
        return percentile(self.latencies_ms, 50)

    @property
    def p99(self) -> float:
        return percentile(self.latencies_ms, 99)

    def document(self) -> dict[str, Any]:
        return {
            "requests": len(self.latencies_ms),
            "seconds": round(self.seconds, 4),
            "per_second": round(self.rate, 1),
            "p50_ms": round(self.p50, 3),
            "p99_ms": round(self.p99, 3),
            "bytes_per_answer": round(self.bytes_per_answer),
            "generator_busy": round(self.generator_busy, 3),
            "connected": self.connected,
        }


class Refused(Exception):
    """Some answer was not what it had to be."""


def run(port: int, connections: int, requests: list[bytes], *, expected: str) -> Load:
    """Send the requests over so many connections. Raises Refused unless every answer is a 200 with ``expected`` in."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.generator"],
        input=orders(port, connections, requests),
        capture_output=True,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(f"the generator failed: {done.stderr.decode(errors='replace')}")
    said = json.loads(done.stdout)
    if said["refused_count"]:
        raise Refused(f"{said['refused_count']} of {len(requests)} answers were no 200, such as {said['refused'][0]}")
    for which in ("first", "last"):
        if expected not in said[which]:
            raise Refused(f"the {which} answer has no {expected}: {said[which][:2000]}")
    return Load(
        seconds=said["seconds"],
        latencies_ms=said["latencies_ms"],
        bytes_per_answer=said["bytes"] / len(requests),
        generator_busy=said["processor_seconds"] / said["seconds"],
        connected=said["connected"],
        first=said["first"],
        last=said["last"],
    )
