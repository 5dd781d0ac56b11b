"""Other people's machines in tests: namespaces with one link each, plugged into a bridge of the host."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.plane.linux.lab import run
from tests.support.patience import patience

#: How long a packet may take, seconds.
PATIENCE = 2


#: What ping says of itself when it is asked.
_SENT = re.compile(r"\d+/(\d+) packets")


class Answered(list[int]):
    """The numbers of the pings that were answered, in the order of the answers."""

    def __init__(self, numbers: Iterable[int], sent: int) -> None:
        """``sent``: how many pings there were, answered or not."""
        super().__init__(numbers)
        self.sent = sent

    @property
    def whole(self) -> bool:
        """Whether there were pings, and each was answered, once and in its turn."""
        return self.sent > 0 and self == list(range(1, self.sent + 1))

    @property
    def lost(self) -> int:
        """How many were not answered."""
        return self.sent - len(set(self))


@dataclass(frozen=True)
class Machine:
    name: str

    def run(self, *command: str, check: bool = True, seconds: float = 10) -> str:
        return run("ip", "netns", "exec", self.name, *command, check=check, seconds=seconds)

    def ip(self, *arguments: str) -> str:
        return run("ip", "-n", self.name, *arguments)

    def ping(self, address: str, *more: str) -> str:
        """What ``ping`` says of one packet."""
        return self.run("ping", "-n", "-c", "1", "-W", str(patience(PATIENCE)), *more, address, check=False)

    def reaches(self, address: str, *more: str) -> bool:
        return "1 received" in self.ping(address, *more)

    @contextmanager
    def pinging(self, address: str, every: float = 0.005) -> Iterator[Callable[[], Answered]]:
        """Pings every so many seconds; the function ends that, once what was sent has had time to be answered."""
        often = ("-i", str(patience(every)), "-W", str(patience(1)))
        command = ["ip", "netns", "exec", self.name, "ping", "-n", *often, address]
        with tempfile.TemporaryDirectory(prefix="gw-ping-") as folder:
            # a pipe would be full after some seconds, and ping would send no more
            told, counted = Path(folder, "told"), Path(folder, "counted")
            with told.open("wb") as out, counted.open("wb") as err:
                stream = subprocess.Popen(command, stdout=out, stderr=err)

            def numbers() -> list[int]:
                return [int(number) for number in re.findall(r"icmp_seq=(\d+) ttl", told.read_text())]

            def end() -> Answered:
                _until(numbers, PATIENCE)  # before, ping might not know the signal yet
                stream.send_signal(signal.SIGQUIT)  # it tells "answered/sent packets", and goes on
                _until(lambda: _SENT.search(counted.read_text()), PATIENCE)
                found = _SENT.search(counted.read_text())
                assert found is not None, f"ping has not told how many it sent: {counted.read_text()}"
                sent = int(found[1])
                _until(lambda: set(numbers()) >= set(range(1, sent + 1)), 1)
                stream.send_signal(signal.SIGINT)
                stream.wait(patience(10))
                return Answered([number for number in numbers() if number <= sent], sent)

            try:
                yield end
            finally:
                if stream.poll() is None:
                    stream.kill()
                    stream.wait(5)


@dataclass
class Machines:
    """Makes machines, and removes them all."""

    #: What their namespaces are called begins so.
    prefix: str = "test"
    made: list[Machine] = field(default_factory=list)

    def plug(self, bridge: str, address: str, gateway: str | None = None, *, where: str | None = None) -> Machine:
        """A machine with an address such as ``10.9.1.20/24``, on a bridge of the host or of a namespace."""
        tail = uuid.uuid4().hex[:10]
        machine = Machine(f"{self.prefix}-{tail}")
        run("ip", "netns", "add", machine.name)
        self.made.append(machine)
        at = ("-n", where) if where else ()
        run(*("ip", *at, "link", "add", f"tm{tail}", "type", "veth", "peer", "eth0", "netns", machine.name))
        run("ip", *at, "link", "set", f"tm{tail}", "master", bridge, "up")
        machine.ip("link", "set", "lo", "up")
        machine.ip("address", "add", address, "dev", "eth0")
        machine.ip("link", "set", "eth0", "up")
        if gateway:
            machine.ip("route", "add", "default", "via", gateway)
        return machine

    def remove(self) -> None:
        for machine in self.made:
            # the namespace lives until the kernel has taken it apart, its veth's other end as well
            run("ip", "-n", machine.name, "link", "delete", "eth0", check=False)
            run("ip", "netns", "delete", machine.name, check=False)
        self.made.clear()


def _until(holds: Callable[[], object], seconds: float) -> None:
    """Wait until it holds, so many seconds at the most."""
    deadline = time.monotonic() + patience(seconds)
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
