"""A measured figure, what it is held against, and the goal that it was to reach."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One line of the table. ``beside`` is the same measured of something else in the same run."""

    topic: str
    name: str
    unit: str
    value: float
    beside: float | None = None
    beside_is: str = ""
    #: How many times better than ``beside``; for a floor, how many times it.
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None

    def document(self) -> dict[str, Any]:
        told = {
            "topic": self.topic,
            "name": self.name,
            "unit": self.unit,
            "value": round(self.value, 4),
            "beside": None if self.beside is None else round(self.beside, 4),
            "beside_is": self.beside_is,
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "goal": self.goal,
            "met": self.met,
        }
        return {name: value for name, value in told.items() if value not in (None, "")}


@dataclass(frozen=True)
class Part:
    """What one part of the benchmark found: its lines, remarks for people, and the raw runs for the file."""

    figures: Sequence[Figure]
    remarks: Sequence[str]
    runs: dict[str, Any]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def percentiles(values: Sequence[float]) -> list[float]:
    """The first to the hundredth percentile."""
    return [round(percentile(values, percent), 3) for percent in range(1, 101)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
