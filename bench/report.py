"""What people read of a run."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures import Figure

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
    times = "" if figure.ratio is None else f"{ratio(figure.ratio)}x"
    goal = figure.goal
    if figure.met is not None:
        goal += ": met" if figure.met else ": NOT met"
    return (f"{figure.topic}: {figure.name}", f"{number(figure.value)} {figure.unit}", beside, times, goal)


def ratio(value: float) -> str:
    """How many times, or which part: the smaller, the more exactly."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 2 else 2}f}"


def number(value: float) -> str:
    """Three significant digits or all of a large number."""
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"
