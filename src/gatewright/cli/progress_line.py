"""The line at the bottom of a terminal: a spinner, what is waited for, since when. It loads rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

#: Times a second that the line is drawn.
_REDRAWN = 8


class LiveLine:
    """One line that is drawn anew until it is closed; what is noted stays above it."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._clock = clock
        ascii_only = not self._console.encoding.lower().startswith("utf")
        self._spinner = Spinner("line" if ascii_only else "dots", style="cyan")
        self._text = ""
        self._since = 0.0
        self._live: Live | None = None

    def show(self, text: str, since: float) -> None:
        """Show this, and how long it has been since then, by the clock."""
        self._text, self._since = text, since
        if self._live is None:
            self._live = Live(self, console=self._console, refresh_per_second=_REDRAWN, transient=True)
            self._live.start(refresh=True)

    def note(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(Text(text), soft_wrap=True)

    def close(self) -> None:
        """Take the line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        return self._render(console, options)

    def _render(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        seconds = int(self._clock() - self._since)
        time = f" {seconds // 60}:{seconds % 60:02}"
        frame = self._spinner.render(console.get_time())
        line = Text(no_wrap=True, overflow="ellipsis")
        if isinstance(frame, Text):
            line.append_text(frame)
        room = max(options.max_width - line.cell_len - 1 - len(time), 1)
        said = Text(f" {self._text}", no_wrap=True)
        said.truncate(room, overflow="ellipsis")
        line.append_text(said)
        line.append(time, style="dim")
        yield line
