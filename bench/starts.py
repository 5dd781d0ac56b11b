"""From the start of the process to the first answer: what a test suite pays each time that it starts a service."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from bench import bytecode
from bench.figures import Figure, Part, median
from bench.ours import signed_request
from bench.processes import end, free_port

_PROGRAM = Path(sys.executable).with_name("gatewright")
_PATIENCE = 30.0
_GOAL = 0.7


def measure(folder: Path, *, times: int) -> Part:
    """Start on a fresh data directory each, and again and again on one that exists."""
    environment = _environment(folder)
    first = _start(folder / "first", environment)
    fresh = [_start(folder / f"fresh-{number}", environment) for number in range(times)]
    again = [_start(folder / "fresh-0", environment) for _ in range(times)]
    return Part(
        [
            Figure("start", name, "s", median(seconds), goal=f"< {_GOAL} s", met=median(seconds) < _GOAL)
            for name, seconds in (("fresh data directory", fresh), ("existing data directory", again))
        ]
        + [Figure("start", "the very first, which compiles all modules", "s", first)],
        [],
        {name: [round(one, 4) for one in seconds] for name, seconds in (("fresh", fresh), ("existing", again))},
    )


def _environment(folder: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
    key = {"GATEWRIGHT_ACCESS_KEY_ID": "test", "GATEWRIGHT_ACCESS_KEY_SECRET": "secret"}
    return {**clean, **key, **bytecode.environment(folder)}


def _start(data: Path, environment: dict[str, str]) -> float:
    port = free_port()
    request = signed_request(port, "DescribeRegions", {})
    begun = time.perf_counter()
    process = subprocess.Popen(
        [_PROGRAM, "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}", "--plane", "simulated"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment,
    )
    try:
        while True:
            answer = _ask(port, request)
            seconds = time.perf_counter() - begun
            if answer is not None:
                break
            if process.poll() is not None or seconds > _PATIENCE:
                raise RuntimeError(f"serve did not answer within {seconds:.1f} s")
            time.sleep(0.001)
    finally:
        end(process)
    if b'"RegionId":"cn-hangzhou"' not in answer:
        raise RuntimeError(f"the first answer is {answer[:500]!r}")
    return seconds


def _ask(port: int, request: bytes) -> bytes | None:
    """The body of a 200, or None while nothing listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            body = response.read()
    except ConnectionError:
        return None
    if response.status != 200:
        raise RuntimeError(f"the first answer is a {response.status}: {body[:500]!r}")
    return body
