"""What is left at the end: the numbers, and a plot of the stream with its failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.drawing import BESIDE, INK, OURS, svg
from tests.support.stream import INTERVAL

from demo.telling import Failure, Known

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Seconds of a failure of the plot that are shown before and after it, in its close-up.
_BEFORE, _AFTER = 0.5, 1.5
_FASTEST_MS, _SLOWEST_MS = 0.2, 500.0
#: From this on what this process did not send itself is told, seconds.
_WORTH_TELLING = 0.05
_INCHES = (10, 6.5)


def numbers(known: Known) -> list[str]:
    """Lines for people: of each failure how long the streams paused."""
    lines = []
    for each in known.failures:
        if not each.pause:
            continue  # it was ended meanwhile
        lines.append(f"{each.what[0].upper()}{each.what[1:]}")
        figures = [
            (f"longest pause of UDP, a datagram each {INTERVAL * 1000:.0f} ms", f"{each.pause * 1000:.0f} ms"),
            ("longest stall of a TCP connection", f"{each.stall * 1000:.0f} ms"),
            ("datagrams lost", f"{each.lost}   "),
        ]
        if each.back_pause:
            figures.append(("longest pause on the way back", f"{each.back_pause * 1000:.0f} ms"))
        lines += [f"  {what:<45}{value:>9}".rstrip() for what, value in figures]
        if each.hiccup > _WORTH_TELLING:
            lines.append(
                f"  (this machine was busy: {each.hiccup * 1000:.0f} ms nothing was sent, part of these figures)"
            )
    return lines


def drawing(known: Known) -> str:
    """The plot, an SVG; nothing was sent before the streams began. Raises ValueError without a stream."""
    stream = known.stream
    if stream is None:
        raise ValueError("there was no stream")
    answers = stream.answers()
    return svg(lambda figure: _draw(figure, known, answers), _INCHES)


def _draw(figure: Figure, known: Known, answers: Sequence[tuple[float, float]]) -> str:
    begun = answers[0][0] if answers else known.begun
    failures = known.failures
    if not failures:
        _points(figure.subplots(), answers, begun)
        return "A stream through the gateway"
    grid = figure.add_gridspec(2, len(failures), height_ratios=(3, 2))
    whole = figure.add_subplot(grid[0, :])
    _points(whole, answers, begun)
    whole.set_title("Each dot is a datagram's way from the VPC to the office and back")
    whole.set_ylabel("milliseconds")
    for number, each in enumerate(failures):
        _marked(whole, each, begun, str(number + 1))
        near = [(sent, came) for sent, came in answers if each.at - _BEFORE <= sent <= each.at + _AFTER]
        close = figure.add_subplot(grid[1, number])
        _points(close, near, each.at, size=6)
        close.set_xlim(-_BEFORE, _AFTER)
        close.axvline(0, color=BESIDE.drawn, linewidth=1.2)
        close.axvspan(0, each.pause, color=BESIDE.drawn, alpha=0.15, linewidth=0)
        close.set_title(
            f"{number + 1}: {each.what}\n{each.pause * 1000:.0f} ms without an answer, {each.lost} datagrams lost"
        )
        close.set_xlabel("seconds after it")
    whole.set_xlabel("seconds")
    return "A stream through the gateway while the master's tunnel fails"


def _points(axes: Axes, answers: Sequence[tuple[float, float]], begun: float, size: float = 2) -> None:
    from matplotlib.ticker import FuncFormatter, NullLocator

    times = [sent - begun for sent, _ in answers]
    axes.plot(times, [(came - sent) * 1000 for sent, came in answers], ".", color=OURS.drawn, markersize=size)
    axes.set_yscale("log")
    axes.set_ylim(_FASTEST_MS, _SLOWEST_MS)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.01)


def _marked(axes: Axes, failure: Failure, begun: float, told: str) -> None:
    """From the failure until the master carries again."""
    at = failure.at - begun
    axes.axvline(at, color=BESIDE.drawn, linewidth=1.2)
    if failure.back_at is not None:
        axes.axvspan(at, failure.back_at - begun, color=BESIDE.drawn, alpha=0.12, linewidth=0)
        axes.annotate(
            "by the slave",
            ((at + failure.back_at - begun) / 2, 0.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            fontsize=8,
            color=INK.drawn,
        )
    axes.annotate(
        told,
        (at, 0.97),
        xycoords=("data", "axes fraction"),
        xytext=(4, 0),
        textcoords="offset points",
        va="top",
        color=BESIDE.drawn,
    )
