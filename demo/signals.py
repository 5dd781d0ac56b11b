"""Ctrl-C, a closed terminal and a request to end: they interrupt the story, never the cleaning up."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants it to end. Like KeyboardInterrupt it is caught by no `except Exception`."""


class TookTooLong(Exception):
    """It ran longer than it may."""


class Signals:
    """Handles them while it is entered, in the main thread."""

    def __init__(self, seconds: int) -> None:
        """``seconds``: how long the story may take."""
        self._seconds = seconds
        self._held = False
        self._pending = False

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Raises Interrupted or TookTooLong within the block, until :meth:`ignored`."""
        before = {each: signal.signal(each, self._interrupt) for each in _ENDING}
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._expire)
        signal.alarm(self._seconds)
        try:
            yield
        finally:
            signal.alarm(0)
            for each, handler in before.items():
                signal.signal(each, handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """What comes meanwhile interrupts at the end of the block: for what cannot be undone half way."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._pending:
            raise Interrupted

    def ignore(self) -> None:
        """From here on everything is removed, whatever comes."""
        signal.alarm(0)
        self._held = True

    def _interrupt(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as signal.signal calls it
        self._pending = True
        if not self._held:
            self._held = True  # another one on its way out would leave something behind
            raise Interrupted

    def _expire(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as signal.signal calls it
        if not self._held:
            self._held = True
            raise TookTooLong(f"it was to take no longer than {self._seconds} s")
