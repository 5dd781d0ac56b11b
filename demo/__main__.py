"""``python -m demo``, which ``make demo`` runs."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

#: How long all may take, seconds, and how long the path of temporary files may be.
_LIMIT, _LONGEST_FOLDER = 180, 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; returns an exit status."""
    parsed = _parser().parse_args(arguments)
    missing = _missing()
    if not missing and not parsed.plot.parent.is_dir():
        missing = f"--plot {parsed.plot}: there is no folder {parsed.plot.parent}"
    if missing:
        print(f"make demo: {missing}", file=sys.stderr)
        return 1
    sys.setswitchinterval(0.001)  # the stream's thread is not to wait for the picture's
    return _run(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make demo",
        usage='make demo [DEMO="options"]',
        description="Two sites talk through a gateway, over IPsec; the master's tunnel fails in two ways under load. "
        "Everything is in network namespaces of this machine and is removed at the end.",
    )
    parser.add_argument(
        "--plain", action="store_true", help="lines instead of a picture, as where there is no terminal"
    )
    parser.add_argument(
        "--stay", type=_seconds, default=3.0, metavar="S", help="how long each state is looked at, seconds (3)"
    )
    parser.add_argument(
        "--plot", type=Path, default=Path("demo.svg"), metavar="FILE", help="where the plot is written (demo.svg)"
    )
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.2 <= seconds <= 20:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0.2 to 20")
    return seconds


def _missing() -> str:
    """Why it cannot run here, in one line; empty if it can."""
    if sys.platform != "linux":
        return "it needs Linux, a virtual machine for example: it makes network namespaces"
    if os.geteuid() != 0:
        return "it makes network namespaces and runs strongSwan in them, and needs root: sudo make demo"
    try:
        from gatewright.plane.linux import requirements
    except ImportError as error:
        return f"a package is missing: {error}; run `make setup-demo`"
    return " ".join(requirements())


def _short_folder() -> Path:
    """Where temporary files go; the paths of sockets there must fit into some 100 characters."""
    found = tempfile.gettempdir()
    return Path(found if len(found) <= _LONGEST_FOLDER else "/tmp")  # noqa: S108 - a name of our own is made in it


def _run(parsed: argparse.Namespace) -> int:
    from rich.console import Console
    from tests.support.linux import Left

    from demo import plot, traces
    from demo.showing import pictured, plain
    from demo.signals import Interrupted, Signals
    from demo.story import Timing, play
    from demo.telling import Known

    where = _short_folder()
    try:
        for swept in traces.sweep_the_dead(where):
            print(f"Removed what an earlier run has left: {swept}")
    except Left as left:
        print(f"make demo: what an earlier run has left cannot be removed: {left}", file=sys.stderr)
        return 1
    console = Console()
    known = Known(tell=lambda _: None)
    live = console.is_terminal and not console.is_dumb_terminal and not parsed.plain
    if not live:
        known.tell = plain(known.begun)
    signals = Signals(_LIMIT)
    failed: list[str] = []
    status = 0
    with signals.handled():
        folder = Path(tempfile.mkdtemp(prefix=traces.folder_prefix(), dir=where))
        try:
            with pictured(console, known) if live else contextlib.nullcontext():
                play(known, signals, folder, Timing(parsed.stay))
        except traces.NotRemoved as error:
            failed, status = [_told(error.before)] if error.before else [], 1
            failed.append(str(error))
        except (Exception, Interrupted) as error:
            # whatever a client or the kernel said is told in a line
            failed, status = [_told(error), "everything was removed"], 130 if isinstance(error, Interrupted) else 1
    for line in plot.numbers(known):
        print(line)
    if known.stream is not None:
        try:
            parsed.plot.write_text(plot.drawing(known))
            print(f"The stream over time, as a plot: {parsed.plot}")
        except OSError as error:
            failed, status = [*failed, f"--plot {parsed.plot} cannot be written: {error.strerror}"], status or 1
    if status:
        print(f"make demo: {'; '.join(failed)}", file=sys.stderr)
    else:
        print("Everything else was removed.")
    return status


def _told(error: BaseException) -> str:
    """What ended the demonstration, in a line."""
    from demo.cloud import Unfinished
    from demo.signals import Interrupted, TookTooLong

    if isinstance(error, Interrupted):
        return "interrupted"
    if isinstance(error, subprocess.CalledProcessError):
        return f"{shlex.join(map(str, error.cmd))}: {str(error.stderr or '').strip()}"
    of_ours = isinstance(error, Unfinished | TookTooLong | AssertionError)
    return str(error) if of_ours and str(error) else f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
