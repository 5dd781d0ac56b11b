"""Drawings as SVG: the same bytes for the same figures, text as text, for light and dark."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Colour:
    """A colour of the page, in the light and in the dark. Drawn is a stand-in that the file then names a variable."""

    name: str
    drawn: str
    light: str
    dark: str


PAPER = Colour("paper", "#010101", "#ffffff", "#0d1117")
INK = Colour("ink", "#020202", "#1f2328", "#e6edf3")
FAINT = Colour("faint", "#030303", "#d1d9e0", "#3d444d")
OURS = Colour("ours", "#040404", "#0969da", "#58a6ff")
BESIDE = Colour("beside", "#050505", "#bc4c00", "#f0883e")
_COLOURS = (PAPER, INK, FAINT, OURS, BESIDE)
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "gatewright",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": INK.drawn,
    "figure.facecolor": PAPER.drawn,
    "axes.facecolor": PAPER.drawn,
    "axes.edgecolor": INK.drawn,
    "axes.labelcolor": INK.drawn,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT.drawn,
    "grid.linewidth": 0.7,
    "xtick.color": INK.drawn,
    "ytick.color": INK.drawn,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


def svg(draw: Callable[[Figure], str], inches: tuple[float, float] = (8, 3.4)) -> str:
    """What ``draw`` puts into a figure; it gives the title."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Drawn

    file = io.StringIO()
    with rc_context(_STYLE):
        figure = Drawn(figsize=inches, layout="constrained")
        title = draw(figure)
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(file, format="svg", metadata={"Title": title, **nothing})
    return _coloured(file.getvalue())


def _coloured(drawn: str) -> str:
    """With variables for colours, which are others where the reader's system is dark."""
    for colour in _COLOURS:
        drawn = drawn.replace(colour.drawn, f"var(--{colour.name})")
    light, dark = ("".join(f"--{c.name}:{getattr(c, kind)};" for c in _COLOURS) for kind in ("light", "dark"))
    style = f":root{{{light}}}@media (prefers-color-scheme: dark){{:root{{{dark}}}}}"
    head, mark, rest = drawn.partition('<style type="text/css">')
    return "\n".join(line.rstrip() for line in f"{head}{mark}{style}{rest}".splitlines()) + "\n"
