"""A neighbour of an instance: a namespace with one veth into one of its bridges, and iperf3 between the two."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gatewright.plane.linux import netns
from tests.plane.linux.lab import Lab, run
from tests.plane.linux.packets import await_forwarding

#: As the instance sees it: what it sends, and what is sent to it.
Direction = Literal["out", "in"]
DIRECTIONS: tuple[Direction, ...] = ("out", "in")
_PORT = 5201


@dataclass(frozen=True)
class Peer:
    """The neighbour's namespace; its link is ``eth``."""

    namespace: str
    address: str

    def inside(self, *command: str, seconds: float = 10) -> str:
        return run("ip", "netns", "exec", self.namespace, *command, seconds=seconds)


@contextlib.contextmanager
def plugged(lab: Lab, bridge: str, address: str) -> Iterator[Peer]:
    """A peer on a bridge of the host, with an address and prefix length; it is gone at the end."""
    namespace, outer = f"peer-{lab.installation}", f"pe{lab.installation}"
    run("ip", "netns", "add", namespace)
    try:
        run("ip", "link", "add", outer, "master", bridge, "type", "veth", "peer", "name", "eth", "netns", namespace)
        run("ip", "link", "set", outer, "up")
        run("ip", "-n", namespace, "address", "add", address, "dev", "eth")
        run("ip", "-n", namespace, "link", "set", "eth", "up")
        await_forwarding(outer)
        yield Peer(namespace, address.partition("/")[0])
    finally:
        run("ip", "link", "delete", outer, check=False)
        run("ip", "netns", "delete", namespace, check=False)


@dataclass(frozen=True)
class Passed:
    """What came over a link in a window of time, in Mbit/s: it was at least ``least`` and at most ``most``.

    The clock is read on both sides of each reading of the counter, so that a pause between the two is no error.
    """

    least: float
    most: float


def passed(namespace: str, link: str, seconds: float) -> Passed:
    """What a link of a namespace receives, counted by the link itself."""
    with netns.entered(namespace):
        # /sys shows the namespace of whoever mounted it, /proc/thread-self that of the thread
        table = Path("/proc/thread-self/net/dev")

        def reading() -> tuple[float, int, float]:
            before = time.monotonic()
            line = next(line for line in table.read_text().splitlines() if line.split(":")[0].strip() == link)
            return before, int(line.partition(":")[2].split()[0]), time.monotonic()

        first = reading()
        time.sleep(seconds)
        last = reading()
    bits = (last[1] - first[1]) * 8 / 1e6
    return Passed(bits / (last[2] - first[0]), bits / (last[0] - first[2]))


#: Sends frames of 1,442 bytes to an address, from another, at so many Mbit/s; what it is late with it catches up with.
_FLOOD = """
import socket, sys, time
to, own, mbit = sys.argv[1], sys.argv[2], float(sys.argv[3])
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, 32, 1 << 23)  # SO_SNDBUFFORCE: the shaper's queue is to be full, not the socket's
sender.bind((own, 0))
packet = bytes(1400)
due = time.monotonic()
while True:
    due = max(due, time.monotonic() - 0.1)
    while due < time.monotonic():
        sender.sendto(packet, (to, 9))
        due += 1442 * 8 / mbit / 1e6
    time.sleep(0.001)
"""


@contextlib.contextmanager
def flooded(sender: str, receiver: str, to: str, own: str, mbit: float) -> Iterator[None]:
    """UDP from one namespace to an address in another, without regard to what gets through, while the block runs."""
    with netns.entered(receiver):
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sink:
        sink.bind((to, 9))  # else every packet would be answered
        flood = ["ip", "netns", "exec", sender, sys.executable, "-c", _FLOOD, to, own, str(mbit)]
        with _process(flood) as process:
            yield
            assert process.poll() is None, process.communicate()


@dataclass(frozen=True)
class Streamed:
    """What iperf3 sent and received, in Mbit/s of payload."""

    sent: float
    received: float


def streamed(
    client: str,
    server: str,
    to: str,
    direction: Direction,
    *more: str,
    seconds: int = 5,
    processors: tuple[int, int] | None = None,
) -> Streamed:
    """What iperf3 says of a stream, without its first second; the instance is the server.

    ``processors`` are the only ones that client and server run on, if that is said.
    """
    here, there = processors or (None, None)
    arguments = ["-J", "-t", str(seconds), "-O", "1", *(["-R"] if direction == "out" else []), *more]
    iperf3 = [*_only_on(here), "ip", "netns", "exec", client, "iperf3", "-c", to, "-p", str(_PORT), *arguments]
    with _server(server, to, there), _process(iperf3) as process:
        text, _ = process.communicate(timeout=seconds + 20)
    document: dict[str, Any] = json.loads(text)
    assert "error" not in document, document["error"]
    sent, received = (document["end"][which]["bits_per_second"] / 1e6 for which in ("sum_sent", "sum_received"))
    return Streamed(sent, received)


@contextlib.contextmanager
def _server(namespace: str, address: str, processor: int | None = None) -> Iterator[None]:
    iperf3 = ["ip", "netns", "exec", namespace, "iperf3", "-s", "-B", address, "-p", str(_PORT), "--forceflush"]
    command = [*_only_on(processor), *iperf3]
    with _process(command) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "listening" in line:
                break
        yield


def _only_on(processor: int | None) -> list[str]:
    return [] if processor is None else ["taskset", "--cpu-list", str(processor)]


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=5)
