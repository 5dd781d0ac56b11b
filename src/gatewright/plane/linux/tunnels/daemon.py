"""The charon of a tunnel as the event loop sees it: a VICI connection that is there while charon lives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from gatewright.plane.linux import processes
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.tunnels.lines import worth_telling
from gatewright.plane.linux.vici_session import ViciRefusal, ViciSession

_log = logging.getLogger(__name__)

#: What charon tells; each names the connection that it is about.
_EVENTS = ("ike-updown", "child-updown", "ike-rekey", "child-rekey", "log")
#: How long a charon that lives may refuse connections before the next try, seconds.
_AGAIN = 0.05
#: One that lives and lets so many questions in a row go unanswered, each for as long as a command may take, is ended:
#: it hangs, and whoever looks after it starts another one.
_UNANSWERED = 3
#: What charon calls an IKE SA of which it does not know yet what connection it is of.
_NAMELESS = "(unnamed)"


class Listener(Protocol):
    """Who is told of its tunnel. Called on the event loop."""

    def changed(self) -> None:
        """Something may be different from what was listed last."""

    def logged(self, text: str) -> None:
        """charon logs something of it."""


class Daemon:
    """All methods are called on the event loop."""

    def __init__(
        self, socket: Path, process: Process, connection: str, listener: Listener, died: Callable[[str], None]
    ) -> None:
        """``connection`` is what charon calls the tunnel's.

        ``process`` is closed here; ``died`` is called once, with how, if it ends by itself.
        """
        self._socket = socket
        self._process = process
        self._connection = connection
        self._listener = listener
        self._died = died
        self._loop = asyncio.get_running_loop()
        #: With charon, while there is one: the listener is told when it comes and goes.
        self.session: ViciSession | None = None
        #: How it ended; empty while it lives, as far as is known.
        self.ended = ""
        self._unanswered = 0
        self._loop.add_reader(process.descriptor, self._ended)
        self._task = asyncio.ensure_future(self._keep_connected())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def killed(self) -> bool:
        """Whether it has ended without being able to see to anything: then what it had in the kernel carries on."""
        return self._process.killed

    @property
    def lives(self) -> bool:
        return self.session is not None and not self.session.ended.done()

    async def close(self) -> None:
        """Listen no longer. The daemon carries on."""
        self._forget_process()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.session = None

    def _forget_process(self) -> None:
        if not self._process.closed:
            self._loop.remove_reader(self._process.descriptor)
            self._process.close()

    def _ended(self) -> None:
        if self._process.closed:
            return
        self.ended = processes.epitaph(self._process)
        self._forget_process()
        # another one would be another process
        self._task.cancel()
        self.session = None
        self._died(self.ended)

    async def _keep_connected(self) -> None:
        while True:
            with contextlib.suppress(OSError, ViciRefusal):
                async with await ViciSession.connect(self._socket, self._heard) as session:
                    if session.peer == self._process.pid:
                        await self._subscribe(session)
                        self.session = session
                        self._listener.changed()
                        await asyncio.wait([session.ended])
            if self.session is not None:
                self.session = None
                self._listener.changed()
            await asyncio.sleep(_AGAIN)

    async def _subscribe(self, session: ViciSession) -> None:
        try:
            await session.subscribe(_EVENTS)
        except TimeoutError:
            # counted, and no clock looked at: if it was this host that stood still, charon answers afterwards
            self._unanswered += 1
            if self._unanswered >= _UNANSWERED and not self._process.closed:
                _log.warning("process %d, charon at %s, does not answer and is ended", self._process.pid, self._socket)
                self._process.send(signal.SIGKILL)
            raise
        self._unanswered = 0

    def _heard(self, event: str, message: Mapping[str, Any]) -> None:
        try:
            if event == "log":
                self._logged(message)
            elif self._connection in message:
                self._listener.changed()
        except Exception:  # a message that was not understood must not end the connection
            _log.exception("an event of charon at %s was not understood", self._socket)

    def _logged(self, message: Mapping[str, Any]) -> None:
        text = bytes(message.get("msg", b"")).decode(errors="replace")
        if not worth_telling(bytes(message.get("group", b"")), text):
            return
        # what is of no SA that it knows yet is of this tunnel as well: it speaks of no other
        name = bytes(message.get("ikesa-name", b"")).decode(errors="replace")
        if name in ("", _NAMELESS, self._connection):
            self._listener.logged(text)
