"""What commands that go on until they are told to stop have in common: ``gatewright events --follow``, ``top``.

The service is asked on a thread of its own. The main thread only waits for what that brings and for signals, in one
call of the kernel's that every signal ends: neither a service that does not answer, nor a name that is not resolved,
nor who reads our output too slowly keeps Ctrl-C from ending the command at once. Signals that whoever started us had
ignored (a shell does that to what it starts with ``&``) end it too.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Generic, TypeVar

News = TypeVar("News")
#: What a descriptor says when who read from it has gone; asked for or not.
_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Stopped(Exception):
    """A signal says that it is enough. ``status`` is the exit status, as shells have it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


class Watch(Generic[News]):
    """Waits, on the main thread, for what other threads put and for signals; a context manager.

    SIGINT and SIGTERM raise :class:`Stopped` wherever the main thread is. SIGWINCH ends a wait.
    """

    def __init__(self, output: int | None = None, source: int | None = None) -> None:
        """``output`` and ``source`` are descriptors.

        When nobody can read from ``output`` any more, waits raise BrokenPipeError; what is typed at ``source`` ends
        them.
        """
        self._output = output
        self._source = source
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._wakes, self._wake = os.pipe()
        for end in (self._wakes, self._wake):
            os.set_blocking(end, False)
        self._poll = select.poll()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Watch[News]:
        # written to by the kernel's own handler, whatever the interpreter is about
        before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._stack.callback(signal.set_wakeup_fd, before)
        for number, handler in (
            (signal.SIGINT, _stop),
            (signal.SIGTERM, _stop),
            (signal.SIGWINCH, lambda _number, _frame: None),
        ):
            self._stack.callback(signal.signal, number, signal.signal(number, handler))
        self._poll.register(self._wakes, select.POLLIN)
        if self._output is not None:
            self._poll.register(self._output, 0)
        if self._source is not None and self._source != self._output:
            self._poll.register(self._source, select.POLLIN)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def put(self, news: News) -> None:
        """From any thread: something has come."""
        self._news.put(news)
        self.wake()

    def wake(self) -> None:
        """From any thread: end the wait."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, b"\0")

    def start(self, work: Callable[[], None]) -> None:
        """Do something on a thread, which ends with the process whatever it waits for."""
        threading.Thread(target=work, daemon=True).start()

    def wait(self, seconds: float | None = None) -> bool:
        """Until something has come, a signal, or the time is over. False for that. Raises Stopped, BrokenPipeError."""
        ready = self._poll.poll(None if seconds is None else max(0, seconds) * 1000)
        for descriptor, what in ready:
            if descriptor == self._output and what & _GONE:
                raise BrokenPipeError
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakes, 4096)
        return bool(ready)

    def typed(self) -> bool:
        """Whether there is something to read at ``source``."""
        return self._source is not None and bool(select.select([self._source], [], [], 0)[0])

    def news(self) -> Iterator[News]:
        """What has come, in order."""
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._news.get_nowait()


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as the kernel's handlers are called
    raise Stopped(number)
