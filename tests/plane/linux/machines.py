"""Other people's machines in tests: namespaces with one link each, plugged into a bridge of the host."""

from __future__ import annotations

import re
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.plane.linux.lab import run
from tests.support.patience import patience

#: How long a packet may take, seconds.
PATIENCE = 2


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
    def pinging(self, address: str, every: float = 0.005) -> Iterator[Callable[[], list[int]]]:
        """Pings every so many seconds; the function ends that and gives the numbers of the answered ones, in order."""
        often = ("-i", str(patience(every)), "-W", str(patience(1)))
        command = ["ip", "netns", "exec", self.name, "ping", "-n", *often, address]
        stream = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

        def end() -> list[int]:
            stream.send_signal(signal.SIGINT)
            told, _ = stream.communicate(timeout=patience(10))
            return [int(number) for number in re.findall(r"icmp_seq=(\d+) ttl", told)]

        try:
            yield end
        finally:
            if stream.poll() is None:
                stream.kill()
                stream.wait(5)
            if stream.stdout is not None:
                stream.stdout.close()


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
