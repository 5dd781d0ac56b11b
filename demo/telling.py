"""What is known of the demonstration while it runs: what pictures, plain lines and the plot are made of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.stream import Stream

from demo.cloud import ROLES, TunnelStatus


@dataclass(frozen=True)
class Happening:
    """Something that happened, and when, of ``time.monotonic()``."""

    at: float
    text: str


@dataclass
class Failure:
    """One failure of the master's tunnel. Times are ``time.monotonic()``'s, lengths seconds."""

    what: str
    at: float
    #: The longest that neither stream had an answer, UDP's and TCP's, and datagrams that were lost.
    pause: float = 0.0
    stall: float = 0.0
    lost: int = 0
    #: When the master carried again, and the longest pause while it took over.
    back_at: float | None = None
    back_pause: float = 0.0
    #: The longest that this process itself did not send meanwhile: what the pause may owe to a busy machine.
    hiccup: float = 0.0


@dataclass
class Known:
    """Written by the story and by the watch, read by whoever shows it; each attribute is replaced whole."""

    tell: Callable[[Happening], None]
    begun: float = field(default_factory=time.monotonic)
    #: What is going on now.
    headline: str = "Starting"
    addresses: tuple[str, str] = ("", "")
    tunnels: tuple[TunnelStatus, ...] = ()
    #: Packets a second through the tunnel of each role.
    rates: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ROLES, 0.0))
    stream: Stream | None = None
    #: When all was seen, and removing began.
    ended: float | None = None
    failures: list[Failure] = field(default_factory=list)
    happened: list[Happening] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def happens(self, text: str, at: float | None = None) -> None:
        """Note and tell it."""
        told = Happening(time.monotonic() if at is None else at, text)
        with self._lock:
            self.happened.append(told)
            self.tell(told)

    def seconds(self, at: float | None = None) -> float:
        """Since the beginning."""
        return (time.monotonic() if at is None else at) - self.begun

    @property
    def carries(self) -> str | None:
        """Whose tunnel has most of the packets; None if hardly any go at all."""
        role = max(self.rates, key=lambda each: self.rates[each])
        return role if self.rates[role] > _FEW else None


#: Packets a second that BGP and BFD alone make, about; the streams are ten times as many.
_FEW = 60.0
