"""The tables of ``docs/bench.md``, between the marks that stand in it, from what was measured last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.report import number, ratio
from bench.results import ROOT, Results, busy

PAGE = Path("docs/bench.md")
_BLOCK = re.compile(r"(<!-- figures of: ([a-z ]+) -->\n).*?(<!-- end of figures -->\n)", re.DOTALL)
_UNMEASURED = "Not measured yet.\n"
#: Lines of a table without its rows.
_HEAD = 2


def page(results: Results) -> str:
    """The page as it has to be: its own words, and the tables anew."""
    text = (ROOT / PAGE).read_text("utf-8")
    return _BLOCK.sub(lambda block: f"{block[1]}\n{_block(results, block[2].split())}\n{block[3]}", text)


def _block(results: Results, names: Sequence[str]) -> str:
    """The table of some parts, and what is to be known of it."""
    parts = {name: results[name] for name in names if name in results}
    if not parts:
        return _UNMEASURED
    rows = _bandwidths(parts["bandwidth"]) if "bandwidth" in parts else _rows(parts.values())
    remarks = [f"- {remark}\n" for part in parts.values() for remark in part["remarks"]]
    told = list(dict.fromkeys(_told(part["measured"]) for part in parts.values()))
    if len(told) > 1:
        told = [f"{', '.join(_with(parts, each))}: {each}" for each in told]
    if len(rows) == _HEAD:
        rows = ["No figure is shown."]
    return "\n".join(
        ["\n".join(rows) + "\n", *(f"{each}\n" for each in told), *(["".join(remarks)] if remarks else [])]
    )


def _with(parts: Mapping[str, Any], told: str) -> list[str]:
    return [name for name, part in parts.items() if _told(part["measured"]) == told]


def _rows(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = ["| what | Gatewright | beside | ratio | goal |", "|---|---|---|---|---|"]
    for part in parts:
        absolute = not busy(part["measured"])
        for figure in part["figures"]:
            if absolute or "ratio" in figure:
                lines.append(_line(f"{figure['topic']}: {figure['name']}", *_cells(figure, absolute=absolute)))
    return lines


def _cells(figure: Mapping[str, Any], *, absolute: bool) -> Iterator[str]:
    """Ours, what is beside it, the ratio, the goal; of a busy machine the ratio alone, beside what it is of."""
    unit = f" {figure['unit']}" if "unit" in figure else ""
    yield number(figure["value"]) + unit if absolute else ""
    if "beside" in figure:
        yield figure["beside_is"] + (f" {number(figure['beside'])}{unit}" if absolute else "")
    else:
        yield ""
    yield ratio(figure["ratio"]) if "ratio" in figure else ""
    goal = figure.get("goal", "") if absolute else ""
    yield f"{goal}: {'met' if figure['met'] else '**not met**'}" if goal and "met" in figure else goal


def _bandwidths(part: Mapping[str, Any]) -> list[str]:
    """A line for what was ordered and the direction, with the shares that came through."""
    lines = ["| ordered | on the wire | TCP | UDP |", "|---|---|---|---|"]
    found: dict[str, list[str]] = {}
    for figure in part["figures"]:
        found.setdefault(figure["name"].partition(",")[0], []).append(f"{figure['value']:.3f}")
    return [*lines, *(_line(name, *shares) for name, shares in found.items())]


def _told(measured: Mapping[str, Any]) -> str:
    """When and on what, in a paragraph."""
    sentences = [
        f"Measured {measured['at'][:10]} at commit {measured['commit']} on {measured['cores']} cores"
        f" ({measured['processor']}), Linux {measured['kernel']}, Python {measured['python']},"
        f" {measured['filesystem']}; load before: {measured['load_before']:g}."
    ]
    if measured["quick"]:
        sentences.append("A `--quick` run: less of everything, and p99 is the slowest of few.")
    if busy(measured):
        sentences.append("**Others had much of the machine: only ratios are shown, and no goal is judged.**")
    return " ".join(sentences)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
