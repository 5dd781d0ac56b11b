"""Plots of what was measured last, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.drawing import BESIDE, INK, OURS, svg
from bench.figures import median
from bench.growth import FEW
from bench.results import Results, busy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FOLDER = Path("docs/bench")


def plots(results: Results) -> dict[str, str]:
    """By path below the checkout, the SVG of every part that was measured."""
    return {
        str(FOLDER / f"{name}.svg"): svg(partial(draw, results))
        for name, (part, draw) in PLOTS.items()
        if part in results
    }


def _note(figure: Figure, measured: Mapping[str, Any], *more: str) -> None:
    """Say in the plot itself when it was measured, and if that was beside others' work."""
    remarks = [*more, f"{measured['at'][:10]}, {measured['commit']}, {measured['cores']} cores"]
    if measured["quick"]:
        remarks.append("quick run")
    if busy(measured):
        remarks.append("busy machine: compare the curves, not with other runs")
    figure.supxlabel("; ".join(remarks), fontsize=8, x=0.995, ha="right")


def _latency(results: Results, figure: Figure) -> str:
    """How many of the orders were answered within which time, Gatewright's and moto's."""
    part = results["create"]
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (name, runs) in zip(panels, part["runs"].items(), strict=True):
        slowest = max(values[-1] for values in runs["percentiles_ms"].values())
        fastest = min(values[0] for values in runs["percentiles_ms"].values())
        for who, shown, colour, line, at, to in (
            ("gatewright", "Gatewright", OURS, "-", 75, -1),
            ("moto", "moto", BESIDE, "--", 25, 1),
        ):
            values = runs["percentiles_ms"][who]
            axes.plot(values, range(1, 101), line, color=colour.drawn)
            axes.annotate(
                shown,
                (values[at - 1], at),
                xytext=(8 * to, 0),
                textcoords="offset points",
                ha="left" if to > 0 else "right",
                va="center",
                color=colour.drawn,
            )
        _plain_logarithmic(axes, fastest / 2.2, slowest * 1.3)
        axes.set_title(f"orders over {name.replace('1 connections', '1 connection')}")
        axes.set_ylim(0, 100)
        axes.set_xlabel("milliseconds to the answer")
    panels[0].set_ylabel("% answered by then")
    _note(figure, part["measured"])
    return "How long an order takes: Gatewright beside moto"


def _plain_logarithmic(axes: Axes, least: float, most: float) -> None:
    """A logarithmic axis with plain numbers at 1, 2, 5 of each decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.set_xlim(least, most)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _growth(results: Results, figure: Figure) -> str:
    """What a read costs with so many gateways, as multiples of what it costs with 100; and the memory."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    part = results["growth"]
    reads, memory = figure.subplots(1, 2)
    most = 1.5
    for (name, marks), line, colour in zip(part["runs"]["reads"].items(), ("o-", "s--"), (OURS, BESIDE), strict=True):
        ratios = [_p50(mark["all"]) / _p50(mark[str(FEW)]) for mark in marks]
        reads.plot([mark["gateways"] for mark in marks], ratios, line, color=colour.drawn, label=name, markersize=5)
        most = max(most, *ratios)
    reads.axhline(1.5, color=INK.drawn, linewidth=0.8, linestyle=":")
    reads.annotate(
        "goal: at most 1.5",
        (1, 1.5),
        xycoords=("axes fraction", "data"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        fontsize=8,
    )
    reads.set_ylim(0, most * 1.15)
    reads.set_title(f"time of a read, as multiples of that among {FEW}")
    reads.legend(loc="lower left")
    resident = {int(gateways): megabytes for gateways, megabytes in part["runs"]["resident_mb"].items()}
    there = [(gateways, megabytes) for gateways, megabytes in resident.items() if gateways]
    memory.plot(*zip(*there, strict=True), "o-", color=OURS.drawn, markersize=5)
    memory.set_ylim(0, max(resident.values()) * 1.15)
    memory.set_title("memory of the API (RSS), MB")
    for gateways, megabytes in there:
        memory.annotate(
            f"{megabytes:.0f}", (gateways, megabytes), xytext=(0, 6), textcoords="offset points", ha="center"
        )
    for axes in (reads, memory):
        axes.set_xscale("log")
        axes.set_xticks([gateways for gateways, _ in there])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.margins(x=0.08)
        axes.set_xlabel("gateways")
    _note(figure, part["measured"])
    return f"From {FEW} gateways on: what a read and the memory cost"


def _p50(runs: Sequence[Mapping[str, Any]]) -> float:
    return median([run["p50_ms"] for run in runs])


def _linux(results: Results, figure: Figure) -> str:
    """Every gateway of the linux plane as a dot: from its order to ``active``, beside the same made by hand."""
    part = results["linux"]
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (name, title, unit, factor) in zip(
        panels,
        (
            ("alone", "one after the other", "milliseconds", 1000),
            ("at_once", "20 at once; by hand until the last is there", "seconds", 1),
        ),
        strict=True,
    ):
        runs = part["runs"][name]
        for row, (which, colour, marker) in enumerate((("built", BESIDE, "s"), ("created", OURS, "o"))):
            values = [seconds * factor for seconds in runs[which]]
            heights = [row + 0.12 * (number % 5 - 2) for number in range(len(values))]
            axes.plot(values, heights, marker, color=colour.drawn, markersize=4, alpha=0.6, markeredgewidth=0)
            axes.plot([median(values)] * 2, [row - 0.38, row + 0.38], color=colour.drawn)
            axes.annotate(
                f"{median(values):.3g}",
                (median(values), row + 0.38),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                color=colour.drawn,
            )
        axes.set_yticks([0, 1], ["by hand", "Gatewright"])
        axes.set_ylim(-0.6, 1.7)
        axes.set_xlim(left=0)
        axes.grid(axis="y", visible=False)
        axes.set_title(title)
        axes.set_xlabel(f"{unit} until active")
    _note(figure, part["measured"], "lines are medians")
    return "How long a real gateway takes: Gatewright beside the same made by hand"


def _failover(results: Results, figure: Figure) -> str:
    """Every trial as a dot, by what failed: how long the datagrams paused, and TCP's connection below them."""
    part = results["failover"]
    axes = figure.subplots()
    kinds = list(reversed(part["runs"]["pauses"].items()))
    for row, (_, pauses) in enumerate(kinds):
        for which, colour, marker, height in (("udp_s", OURS, "o", 0.17), ("tcp_s", BESIDE, "s", -0.17)):
            values = pauses[which]
            heights = [row + height + 0.04 * (number % 3 - 1) for number in range(len(values))]
            axes.plot(values, heights, marker, color=colour.drawn, markersize=3.5, alpha=0.6, markeredgewidth=0)
        axes.annotate(
            f"{max(pauses['udp_s']):.2g} s",
            (max(pauses["udp_s"]), row + 0.17),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=OURS.drawn,
        )
    everything = [one for _, pauses in kinds for which in ("udp_s", "tcp_s") for one in pauses[which]]
    _plain_logarithmic(axes, min(everything) / 1.5, max(everything) * 1.6)
    axes.set_yticks(range(len(kinds)), [kind for kind, _ in kinds])
    axes.set_ylim(-0.6, len(kinds) - 0.4)
    axes.grid(axis="y", visible=False)
    axes.set_title("dots: a datagram each 10 ms, with the longest pause; squares: a TCP connection")
    axes.set_xlabel("seconds without an answer")
    _note(figure, part["measured"])
    return "How long a stream pauses when the tunnel that carries it fails"


#: By file name the part that has the figures, and who draws them. The drawer returns the title.
PLOTS: dict[str, tuple[str, Callable[[Results, Figure], str]]] = {
    "latency": ("create", _latency),
    "growth": ("growth", _growth),
    "create-to-active": ("linux", _linux),
    "failover": ("failover", _failover),
}
