"""Ends transactions that a server has stopped answering.

A server that hangs (stopped, or gone with its machine behind a connection that says nothing) leaves the driver waiting
for ever: no timeout of the server's can end that, and keep-alives do not exist on a Unix socket. When its time is over
the connection's socket is shut down, which the driver takes for the end of the connection.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

#: How long a transaction may take, seconds: more than the server itself allows a statement (backends.py).
PATIENCE = 25.0


class Deadlines:
    """One thread for all connections; it sleeps while nothing is under way. Use it from any thread."""

    def __init__(self, patience: float | None = None) -> None:
        self._patience = PATIENCE if patience is None else patience
        self._running: dict[int, float] = {}
        self._cut: set[int] = set()
        self._change = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="store-deadlines", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def within(self, descriptor: int) -> Iterator[None]:
        """What the driver waits for on a socket inside the block ends in time.

        Raises TimeoutError from what the driver raises when it did not.
        """
        with self._change:
            if not self._running:
                self._change.notify()
            self._running[descriptor] = time.monotonic() + self._patience
        try:
            yield
        except Exception as error:
            if descriptor in self._cut:
                raise TimeoutError(f"no answer within {self._patience:.0f} s") from error
            raise
        finally:
            with self._change:
                self._running.pop(descriptor, None)
                self._cut.discard(descriptor)

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()

    def _watch(self) -> None:
        with self._change:
            while not self._closed:
                now = time.monotonic()
                for descriptor in [each for each, end in self._running.items() if end <= now]:
                    del self._running[descriptor]
                    self._cut.add(descriptor)
                    _shut(descriptor)
                earliest = min(self._running.values(), default=None)
                self._change.wait(None if earliest is None else earliest - now)


def _shut(descriptor: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as doubled:
        doubled.shutdown(socket.SHUT_RDWR)
