"""The load generator, a process of its own: sends requests that are there beforehand and notes how long each took.

One thread over epoll, no parsing beyond status and length, no garbage collection while the clock runs: on two cores
whatever the client does is taken from the server. Started by ``bench.load``; reads its orders from standard input and
prints one JSON object.
"""

from __future__ import annotations

import gc
import json
import re
import select
import socket
import struct
import sys
import time
from typing import Any, BinaryIO

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
#: How long nothing at all may come before the run is given up, seconds.
_PATIENCE = 60.0


class Lane:
    """One connection, which has one request under way at a time."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._connection: socket.socket | None = None
        self._received = bytearray()
        self._wanted = 0
        self.connections = 0
        self.begun = 0

    def send(self, request: bytes, epoll: select.epoll) -> int:
        """Send a request, connecting first if the server hung up. Returns the connection's number."""
        self.begun = time.perf_counter_ns()
        if self._connection is None:
            self._connection = socket.create_connection(self._address)
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            epoll.register(self._connection.fileno(), select.EPOLLIN)
        self._received.clear()
        self._wanted = 0
        self._connection.sendall(request)
        return self._connection.fileno()

    def receive(self) -> bytes | None:
        """The answer, once it is all there."""
        if self._connection is None:
            raise AssertionError("nothing was sent")
        part = self._connection.recv(1 << 18)
        if not part:
            raise ConnectionError(f"hung up in the middle of an answer: {bytes(self._received[:200])!r}")
        self._received += part
        if not self._wanted:
            head = self._received.find(b"\r\n\r\n")
            if head < 0:
                return None
            length = _LENGTH.search(self._received, 0, head + 2)
            if length is None:
                raise ValueError(f"an answer without a length: {bytes(self._received[:head])!r}")
            self._wanted = head + 4 + int(length[1])
        if len(self._received) < self._wanted:
            return None
        answer = bytes(self._received)
        if _CLOSE.search(answer, 0, answer.find(b"\r\n\r\n") + 2):
            self.close()
        return answer

    def close(self) -> None:
        """Hang up; epoll forgets a descriptor that is closed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def drive(address: tuple[str, int], connections: int, requests: list[bytes]) -> dict[str, Any]:
    """Send all requests, one after the other on each connection."""
    lanes = [Lane(address) for _ in range(min(connections, len(requests)))]
    latencies: list[int] = []
    refused: list[bytes] = []
    size = 0
    first = last = b""
    by_number: dict[int, Lane] = {}
    waiting = iter(requests)
    epoll = select.epoll()
    processor, begun = time.process_time_ns(), time.perf_counter_ns()
    for lane in lanes:
        by_number[lane.send(next(waiting), epoll)] = lane
    while len(latencies) < len(requests):
        events = epoll.poll(_PATIENCE)
        if not events:
            raise TimeoutError(f"no answer for {_PATIENCE} s after {len(latencies)}")
        for number, _ in events:
            lane = by_number[number]
            answer = lane.receive()
            if answer is None:
                continue
            latencies.append(time.perf_counter_ns() - lane.begun)
            size += len(answer)
            last = answer
            first = first or answer
            if answer[9:12] != b"200":
                refused.append(answer)
            request = next(waiting, None)
            if request is not None:
                by_number[lane.send(request, epoll)] = lane
    seconds = (time.perf_counter_ns() - begun) / 1e9
    processor_seconds = (time.process_time_ns() - processor) / 1e9
    for lane in lanes:
        lane.close()
    return {
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "latencies_ms": [nanoseconds / 1e6 for nanoseconds in latencies],
        "bytes": size,
        "connected": sum(lane.connections for lane in lanes),
        "refused": [answer.decode("latin-1") for answer in refused[:3]],
        "refused_count": len(refused),
        "first": first.decode("utf-8", "replace"),
        "last": last.decode("utf-8", "replace"),
    }


def orders(port: int, connections: int, requests: list[bytes]) -> bytes:
    """What a generator reads: port, connections, and each request with its length before it."""
    return b"".join(
        (struct.pack("!III", port, connections, len(requests)), *(struct.pack("!I", len(r)) + r for r in requests))
    )


def _read(stream: BinaryIO) -> tuple[int, int, list[bytes]]:
    port, connections, count = struct.unpack("!III", stream.read(12))
    requests = [stream.read(struct.unpack("!I", stream.read(4))[0]) for _ in range(count)]
    return port, connections, requests


if __name__ == "__main__":
    _port, _connections, _requests = _read(sys.stdin.buffer)
    gc.disable()
    json.dump(drive(("127.0.0.1", _port), _connections, _requests), sys.stdout)
