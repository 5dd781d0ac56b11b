"""Shows what is known: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console, Group
from rich.live import Live

from demo.picture import frame
from demo.telling import Happening, Known

_FRAMES_A_SECOND = 5


@contextlib.contextmanager
def pictured(console: Console, known: Known) -> Iterator[None]:
    """The picture takes the terminal over, and gives it back as it was."""
    fancy = console.encoding.lower().startswith("utf")

    def render() -> Group:
        width, height = console.size
        return Group(*frame(known, width, height, fancy=fancy))

    with Live(
        get_renderable=render,
        console=console,
        screen=True,
        refresh_per_second=_FRAMES_A_SECOND,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    ):
        yield


def plain(begun: float) -> Callable[[Happening], None]:
    """What tells a line of each happening."""
    return lambda each: print(f"{each.at - begun:6.1f} s  {each.text}", flush=True)
