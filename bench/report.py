"""What people read of a run, and the file that programs read."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figures import Figure, Part

RESULTS = Path("bench/results/latest.json")
_HEADINGS = ("", "Gatewright", "beside", "ratio", "goal")


def table(figures: Sequence[Figure]) -> str:
    """The figures in columns, a blank line between topics."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    rows += [_row(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = []
    topic = ""
    for row, figure in zip(rows, (None, *figures), strict=True):
        if figure is not None and figure.topic != topic:
            topic = figure.topic
            lines.append("")
        cells = [row[0].ljust(widths[0])] + [row[i].rjust(widths[i]) for i in (1, 2, 3)] + [row[4]]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _row(figure: Figure) -> tuple[str, ...]:
    beside = "" if figure.beside is None else f"{figure.beside_is} {number(figure.beside)} {figure.unit}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.1f}x"
    goal = figure.goal
    if figure.met is not None:
        goal += ": met" if figure.met else ": NOT met"
    return (f"{figure.topic}: {figure.name}", f"{number(figure.value)} {figure.unit}", beside, ratio, goal)


def number(value: float) -> str:
    """Three significant digits or all of a large number."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def machine(folder: Path) -> dict[str, Any]:
    """What the figures were measured on; ``folder`` is where the databases lie."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": [round(value, 2) for value in os.getloadavg()],
        "filesystem": _filesystem(folder),
    }


def _filesystem(folder: Path) -> str:
    """The type of the file system with the longest mount point above the folder."""
    best = ("", "unknown")
    for line in Path("/proc/self/mounts").read_text("utf-8").splitlines():
        point, kind = line.split()[1:3]
        if folder.resolve().is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]


def write(parts: Mapping[str, Part], about: dict[str, Any]) -> None:
    """Replace the results' file."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": about,
        "figures": [figure.document() for part in parts.values() for figure in part.figures],
        "remarks": [remark for part in parts.values() for remark in part.remarks],
        "runs": {name: part.runs for name, part in parts.items()},
    }
    RESULTS.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
