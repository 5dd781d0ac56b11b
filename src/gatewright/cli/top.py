"""``gatewright top``: gateways, instances, throughput and events, kept up to date on a whole terminal."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from gatewright.cli import connection

if TYPE_CHECKING:
    from rich.console import Console

    from gatewright.cli.top_view import View
    from gatewright.client import Caller

_TITLE = "watch gateways, instances, throughput and events"
_DESCRIPTION = """
Show the gateways of the account in the region, what goes through them and what happens to them, on the whole terminal,
until q or Ctrl-C. Keys: s changes the order; the arrows, Page Up, Page Down, Home and End scroll.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("top", help=_TITLE, description=_DESCRIPTION)
    parser.add_argument("--every", type=_seconds, default=2.0, metavar="S", help="seconds between two looks (2)")
    parser.add_argument("--once", action="store_true", help="look twice, print what is found, and end")
    parser.add_argument(
        "--sort",
        choices=("throughput", "name", "status"),
        default="throughput",
        help="the order to begin with (default: throughput)",
    )
    connection.add_connection(parser)
    parser.set_defaults(run=_run)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 3600:
        raise ValueError(text)
    return seconds


_seconds.__name__ = "number of seconds from 0.1 to 3600"  # what argparse calls a value that is none


def _run(parsed: argparse.Namespace) -> int:
    from gatewright.cli import refusals
    from gatewright.cli.watching import Stopped
    from gatewright.client import Refused, Unreachable

    on_terminal = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if not parsed.once and not on_terminal:
        print("gatewright: top draws on a terminal: --once prints what it would show", file=sys.stderr)
        return 2
    try:
        with connection.caller_of(parsed, timeout=10.0) as caller:
            return _once(parsed, caller) if parsed.once else _watch(parsed, caller)
    except (Refused, Unreachable) as error:
        return refusals.tell(error, lambda: connection.profile_of(parsed))
    except Stopped as stopped:
        return stopped.status
    except KeyboardInterrupt:
        return 130
    except (EOFError, BrokenPipeError):
        # the terminal is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _view(parsed: argparse.Namespace, caller: Caller) -> View:
    from gatewright.cli.top_model import Order
    from gatewright.cli.top_view import View

    fancy = (sys.stdout.encoding or "ascii").lower().startswith("utf")
    return View(caller.profile.endpoint, caller.profile.region, Order(parsed.sort), fancy=fancy)


def _console(width: int) -> Console:
    from rich.console import Console

    return Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def _once(parsed: argparse.Namespace, caller: Caller) -> int:
    import shutil

    from gatewright.cli.top_feed import TopFeed
    from gatewright.cli.top_model import Model
    from gatewright.cli.top_view import Size, drawn, frame

    feed, model = TopFeed(caller), Model()
    model.take(feed.look())
    time.sleep(parsed.every)
    model.take(feed.look())
    width = shutil.get_terminal_size((80, 24)).columns
    made = frame(model, _view(parsed, caller), Size(width, None))
    for line in drawn(made.lines, _console(width)):
        print(line.rstrip())
    sys.stdout.flush()
    return 0


def _watch(parsed: argparse.Namespace, caller: Caller) -> int:
    from gatewright.cli.event_feed import Away, Failed
    from gatewright.cli.screen import Screen
    from gatewright.cli.top_feed import News, TopFeed
    from gatewright.cli.top_model import Model
    from gatewright.cli.top_view import Size, drawn, frame
    from gatewright.cli.watching import Watch

    feed, model, view = TopFeed(caller), Model(), _view(parsed, caller)
    source, output = sys.stdin.fileno(), sys.stdout.fileno()

    def take() -> None:
        for news in watch.news():
            if isinstance(news, Failed):
                raise news.error
            if isinstance(news, Away):
                model.away = news.why
            else:
                model.take(news)

    with Watch[News](output, source) as watch:
        watch.start(lambda: feed.run(parsed.every, watch.put))
        # what cannot be looked at at all is told on the screen that is there
        while model.look is None:
            watch.wait()
            take()
        with Screen(source, output, watch.wake) as screen:
            while True:
                width, height = screen.size()
                made = frame(model, view, Size(width, height))
                screen.draw(drawn(made.lines, _console(width)))
                watch.wait()
                take()
                for key in screen.keys() if watch.typed() else ():
                    if key in ("q", "Q", "\x03"):
                        return 0
                    view = _changed(view, key, made.most_skipped, made.page)


def _changed(view: View, key: str, most: int, page: int) -> View:
    """The view after a key."""
    if key == "s":
        return view._replace(order=view.order.next, skipped=0)
    skipped = {
        "up": view.skipped - 1,
        "k": view.skipped - 1,
        "down": view.skipped + 1,
        "j": view.skipped + 1,
        "page up": view.skipped - page,
        "page down": view.skipped + page,
        " ": view.skipped + page,
        "home": 0,
        "end": most,
    }.get(key, view.skipped)
    return view._replace(skipped=max(0, min(skipped, most)))
