"""A stream of packets from one network namespace to an echo in another and back, and how long it paused.

For whoever looks at failovers: tests, ``bench`` and the demonstration import it from here. Every 10 ms a datagram of
UDP and a message on one connection of TCP go there, and what comes back is noted with its time, in a thread of this
process::

    with Stream(inside.name, site.host.name, site.inside) as stream:
        stream.goes_on()
        cut = stream.now()
        ...
        stream.goes_on(cut)
        stream.pause(cut).seconds, stream.stall(cut).seconds, stream.lost(cut)

Times are ``time.monotonic()``'s, in seconds.
"""

from __future__ import annotations

import bisect
import contextlib
import itertools
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from gatewright.plane.linux import netns
from tests.support.patience import patience

#: Seconds between two packets.
INTERVAL = 0.01
PORT = 7007
#: How many answers in a row mean that it goes on.
_IN_A_ROW = 10
_NUMBER = struct.Struct(">Q")
#: How long a connection may take, seconds.
_PATIENCE = 10.0


@dataclass(frozen=True)
class Pause:
    """The longest time between two answers: when it began, and how long it was. About 10 ms where nothing happens."""

    begun: float
    seconds: float


class Stream:
    """Use it as a context manager. Methods may be called in any thread, while it runs and afterwards."""

    def __init__(self, sender: str, echo: str, address: str, *, port: int = PORT, interval: float = INTERVAL) -> None:
        """Open the sockets: of the sender's namespace, and of the one that has ``address``.

        Namespaces are named as ``ip netns`` has them, or by the path of their file, such as what a process in another
        mount namespace has as ``run/netns/NAME``. Raises OSError, when nothing gets there too.
        """
        self._address = address, port
        self._interval = interval
        self._opened = contextlib.ExitStack()
        with contextlib.ExitStack() as opened:
            with netns.entered(echo):
                self._udp_echo = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                listener = opened.enter_context(socket.create_server(self._address))
            self._udp_echo.bind(self._address)
            with netns.entered(sender):
                self._udp = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                self._tcp = opened.enter_context(socket.create_connection(self._address, patience(_PATIENCE)))
            listener.settimeout(patience(_PATIENCE))
            self._tcp_echo = opened.enter_context(listener.accept()[0])
            for one in (self._tcp, self._tcp_echo):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for one in (self._udp, self._udp_echo, self._tcp, self._tcp_echo):
                one.setblocking(False)
            self._opened = opened.pop_all()
        #: When each datagram and each message was sent, by its number.
        self._sent: list[float] = []
        self._messages: list[float] = []
        #: When each answer came, by the number that it has; and the times alone, in order.
        self._answers: dict[int, float] = {}
        self._times: list[float] = []
        #: When something came of the connection, and how many messages there were by then.
        self._received: list[tuple[float, int]] = []
        self._newest = -1
        self._bytes = 0
        #: What could not be written yet, by the sender and by the echo.
        self._unsent = self._unechoed = b""
        self._lock = threading.Condition()
        self._ending = False
        self._broken = ""
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        self._thread.join()
        self._opened.close()

    @staticmethod
    def now() -> float:
        """The time that all of it is told in."""
        return time.monotonic()

    def goes_on(self, after: float = 0.0, seconds: float = 30.0) -> None:
        """Wait until ten datagrams in a row that were sent after a time are answered, and a message of TCP's is.

        AssertionError if they are not within so many seconds.
        """
        deadline = time.monotonic() + patience(seconds)
        with self._lock:
            while not self._carries(after):
                left = deadline - time.monotonic()
                assert not self._broken, f"the TCP connection has ended: {self._broken}"
                assert left > 0, f"no answer for {seconds:g} s: {self.pause(after)}, TCP {self.stall(after)}"
                self._lock.wait(min(left, 1.0))

    def pause(self, since: float = 0.0, until: float | None = None) -> Pause:
        """The longest that no datagram was answered between two times, by default until now."""
        with self._lock:
            return self._longest(self._times, since, until)

    def stall(self, since: float = 0.0, until: float | None = None) -> Pause:
        """The same of the TCP connection."""
        with self._lock:
            return self._longest([at for at, _ in self._received], since, until)

    def hiccup(self, since: float = 0.0, until: float | None = None) -> Pause:
        """The longest that this process itself did not send: what is to be thought of a pause of that length."""
        with self._lock:
            return self._longest(self._sent, since, until)

    def lost(self, since: float = 0.0, until: float | None = None) -> int:
        """How many datagrams that were sent between two times, by default until the last answer's, are unanswered."""
        with self._lock:
            end = len(self._sent) if until is None else bisect.bisect_left(self._sent, until)
            if until is None:
                end = self._newest + 1
            begin = bisect.bisect_left(self._sent, since)
            return sum(number not in self._answers for number in range(begin, end))

    def answers(self) -> list[tuple[float, float]]:
        """Of every answered datagram, when it was sent and when its answer came."""
        with self._lock:
            return [(self._sent[number], at) for number, at in self._answers.items()]

    def _carries(self, after: float) -> bool:
        first = bisect.bisect_right(self._sent, after)
        row = range(self._newest - _IN_A_ROW + 1, self._newest + 1)
        if row.start < first or any(number not in self._answers for number in row):
            return False
        came = self._received[-1][1] if self._received else 0
        return came > bisect.bisect_right(self._messages, after)

    @staticmethod
    def _longest(times: list[float], since: float, until: float | None) -> Pause:
        end = time.monotonic() if until is None else until
        if not times:
            return Pause(since, end - since) if since else Pause(end, 0.0)
        first = max(bisect.bisect_right(times, since) - 1, 0)
        inside = [*times[first : bisect.bisect_right(times, end)], end]
        gaps = (Pause(begun, following - begun) for begun, following in itertools.pairwise(inside))
        return max(gaps, key=lambda pause: pause.seconds, default=Pause(end, 0.0))

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for one, take in (
                (self._udp, self._take_answers),
                (self._udp_echo, self._echo_datagrams),
                (self._tcp, self._take_messages),
                (self._tcp_echo, self._echo_messages),
            ):
                selector.register(one, selectors.EVENT_READ, take)
            due = time.monotonic()
            while not self._ending:
                for key, _ in selector.select(max(0.0, due - time.monotonic())):
                    try:
                        key.data()
                    except BlockingIOError:
                        pass
                    except OSError as error:
                        # the connection's: datagrams go on
                        selector.unregister(key.fileobj)
                        with self._lock:
                            self._broken = self._broken or str(error)
                now = time.monotonic()
                if now >= due:
                    self._send(now)
                    # what this process was late with is not made up for: a burst would hide that it was
                    due = max(due + self._interval, now)

    def _send(self, now: float) -> None:
        with self._lock:
            number = len(self._sent)
            self._sent.append(now)
            if not self._unsent:
                self._messages.append(now)
                self._unsent = _NUMBER.pack(number)
        # one that cannot be sent is lost
        with contextlib.suppress(OSError):
            self._udp.sendto(_NUMBER.pack(number), self._address)
        # of the connection reading tells whether it has ended
        with contextlib.suppress(OSError):
            self._unsent = self._unsent[self._tcp.send(self._unsent) :]
        with contextlib.suppress(OSError):
            self._unechoed = self._unechoed[self._tcp_echo.send(self._unechoed) :]

    def _take_answers(self) -> None:
        (number,) = _NUMBER.unpack(self._udp.recv(_NUMBER.size))
        with self._lock:
            now = time.monotonic()
            if number not in self._answers:
                self._answers[number] = now
                self._times.append(now)
                self._newest = max(self._newest, number)
            self._lock.notify_all()

    def _echo_datagrams(self) -> None:
        data, sender = self._udp_echo.recvfrom(_NUMBER.size)
        with contextlib.suppress(OSError):
            self._udp_echo.sendto(data, sender)

    def _take_messages(self) -> None:
        data = self._tcp.recv(65536)
        if not data:
            raise ConnectionResetError("it was closed")
        with self._lock:
            self._bytes += len(data)
            self._received.append((time.monotonic(), self._bytes // _NUMBER.size))
            self._lock.notify_all()

    def _echo_messages(self) -> None:
        data = self._tcp_echo.recv(65536)
        if not data:
            raise ConnectionResetError("it was closed")
        self._unechoed += data
        self._unechoed = self._unechoed[self._tcp_echo.send(self._unechoed) :]
