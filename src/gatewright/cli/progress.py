"""Waiting for the service with a person watching: what is being waited for, how it stands, since when.

On a terminal one line is kept up to date at the bottom, and what changed stays above it; elsewhere (a pipe, a log,
``TERM=dumb``) each change is a line. All of it goes to standard error: standard output is for answers.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, TextIO

from gatewright.client import Unreachable

if TYPE_CHECKING:
    from gatewright.cli.progress_line import LiveLine

#: Exit status of a command whose wait a person ended with Ctrl-C, as shells have it; and of one that waited too long.
INTERRUPTED = 130
TOOK_TOO_LONG = 124
#: How soon it is looked again first, and at the most; seconds.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
#: How long a service may be away while it is waited for, as when it is restarted; seconds.
_AWAY_PATIENCE = 60.0
#: Without a terminal a line says that it still goes on, this often; seconds.
_SAY_AGAIN = 30.0


class Look(NamedTuple):
    """How what is waited for stands."""

    #: As people are shown it: ``provisioning``.
    status: str
    #: Whether that is what was waited for.
    done: bool = False
    #: Why it will never come to that; None while it may.
    failed: str | None = None


class Ended(Exception):
    """A wait that ended without what was waited for; the text says what to do, ``status`` is the exit status."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class Wait(NamedTuple):
    """What is waited for."""

    #: ``vpn-bp1...``, or ``gateway edge (vpn-bp1...)``.
    subject: str
    #: The status that is waited for: ``active``, ``gone``.
    goal: str
    #: What happens on the server when nobody waits any longer, a sentence: "The gateway goes on being made."
    meanwhile: str
    #: The command that waits again; empty if there is none.
    again: str = ""
    #: Seconds.
    patience: float = 1800.0


class _Line(Protocol):
    """Where the moment's state is shown."""

    def show(self, text: str, since: float) -> None: ...
    def note(self, text: str) -> None: ...
    def close(self) -> None: ...


class Progress:
    """What a command has done and is waiting for; a context manager. Ctrl-C inside a wait becomes :class:`Ended`."""

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``quiet`` shows nothing; what goes wrong is raised all the same."""
        self._stream = sys.stderr if stream is None else stream
        self._quiet = quiet
        self._clock = clock
        self._sleep = sleep
        self._line: _Line = _Nothing()

    def __enter__(self) -> Progress:
        if not self._quiet:
            self._line = _live_line(self._stream, self._clock) or _Lines(self._stream, self._clock)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()
        self._line = _Nothing()

    def note(self, text: str) -> None:
        """Say what has been done: a line that stays."""
        self._line.note(text)

    def wait(self, wait: Wait, look: Callable[[], Look]) -> Look:
        """Look again and again until it is done; returns the last look. Raises Ended, and what ``look`` raises.

        ``look`` may raise Unreachable for a while: a service that is being restarted goes on afterwards.
        """
        try:
            return self._wait(wait, look)
        except KeyboardInterrupt:
            again = f" To wait again: {wait.again}" if wait.again else ""
            raise Ended(f"stopped waiting for {wait.subject}. {wait.meanwhile}{again}", INTERRUPTED) from None
        finally:
            # what follows is printed where it was
            self._line.close()

    def _wait(self, wait: Wait, look: Callable[[], Look]) -> Look:
        began = heard = self._clock()
        before: str | None = None
        pause = _FIRST_PAUSE
        while True:
            try:
                found = look()
                heard = self._clock()
            except Unreachable:
                if self._clock() - heard > _AWAY_PATIENCE:
                    raise
                found = Look("no answer, trying again")
            now = self._clock()
            if found.failed is not None:
                raise Ended(f"{wait.subject} is {found.status}: {found.failed}")
            if found.done:
                self.note(f"{wait.subject} is {found.status} ({elapsed(now - began)})")
                return found
            if now - began > wait.patience:
                again = f" To wait again: {wait.again}" if wait.again else ""
                raise Ended(
                    f"{wait.subject} is {found.status} after {elapsed(now - began)}, not {wait.goal}. "
                    f"{wait.meanwhile}{again}",
                    TOOK_TOO_LONG,
                )
            if before is not None and before != found.status:
                self.note(f"{wait.subject}: {before} -> {found.status} ({elapsed(now - began)})")
            before = found.status
            self._line.show(f"{wait.subject} is {found.status}, waiting for {wait.goal}", began)
            self._sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)


def elapsed(seconds: float) -> str:
    """A time as people read it: ``0.4 s``, ``12 s``, ``3 min 05 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


class _Nothing:
    """Shows nothing."""

    def show(self, text: str, since: float) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass


class _Lines:
    """Where nothing can be overwritten: a line for what is new, and now and then that it goes on."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._shown = ""
        self._at = 0.0

    def show(self, text: str, since: float) -> None:
        now = self._clock()
        if text != self._shown:
            self._say(text)
        elif now - self._at >= _SAY_AGAIN:
            self._say(f"{text} ({elapsed(now - since)})")
        else:
            return
        self._shown, self._at = text, now

    def note(self, text: str) -> None:
        self._say(text)

    def close(self) -> None:
        pass

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


def _live_line(stream: TextIO, clock: Callable[[], float]) -> LiveLine | None:
    """The line that is kept up to date, where there is a terminal for it."""
    if not stream.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return None
    from gatewright.cli.progress_line import LiveLine

    return LiveLine(stream, clock)
