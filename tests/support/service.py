"""A real `gatewright serve` in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.client import Client, ControlRefused
from tests.support.patience import patience

_ENDPOINT = re.compile(r"endpoint\s+https?://\S+:(\d+)\n")
_CONTROL = re.compile(r"control\s+http://\S+:(\d+)\n")


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def halves_of(pid: int) -> dict[str, int]:
    """The processes of a service's halves on the linux plane, by name: ``half-api`` and ``half-agent``."""
    found: dict[str, int] = {}
    for child in _children(pid):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            found |= {word.decode(): child for word in words if word.startswith(b"half-")}
    return found


@contextlib.contextmanager
def _held(pid: int) -> Iterator[int]:
    """A descriptor of a process, which goes on to mean this one when its number is another's."""
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Service:
    """Starts, kills and restarts a service on one data directory. Use it as a context manager."""

    def __init__(
        self,
        data: Path,
        *,
        plane: str = "simulated",
        database: str | None = None,
        arguments: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        program: tuple[str, ...] = (sys.executable, "-m", "gatewright"),
        authority: Path | None = None,
    ) -> None:
        """With an ``authority`` it serves over HTTPS, with a certificate that this one has issued."""
        self.data = data
        self._context = None if authority is None else ssl.create_default_context(cafile=authority)
        self.program = program
        self.arguments = ["--data", str(data), "--plane", plane, *arguments]
        if database is not None:
            self.arguments += ["--database", database]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
        self.environment = {
            **clean,
            "GATEWRIGHT_ACCOUNT_ID": "1234567890123456",
            "GATEWRIGHT_ACCESS_KEY_ID": "test",
            "GATEWRIGHT_ACCESS_KEY_SECRET": "secret",
            **(environment or {}),
        }
        self.port = 0
        #: Where the control API is, with ``--control``.
        self.control_port = 0
        self._clients: list[Client] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.output = data.parent / f"{data.name}.output"

    def start(self, patience: float = 120.0) -> Service:
        """Start, and wait until calls are served. From the second start on the port stays the same."""
        with self.output.open("ab") as output:
            begin = output.tell()
            self.process = subprocess.Popen(
                [*self.program, "serve", *self.arguments, "--listen", f"127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
            )
        try:
            self._until_served(self.process, begin, patience)
        except AssertionError:
            self.kill()
            raise
        return self

    def _until_served(self, process: subprocess.Popen[bytes], begin: int, patience: float) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise AssertionError(f"serve ended with {process.returncode}:\n{self.printed(begin)}")
            found = _ENDPOINT.search(self.printed(begin))
            if found is not None:
                self.port = int(found[1])
                control = _CONTROL.search(self.printed(begin))
                self.control_port = int(control[1]) if control is not None else 0
                try:
                    with urllib.request.urlopen(f"{self.endpoint}/healthz", timeout=5, context=self._context) as answer:
                        if answer.status == 200:
                            return
                except OSError:
                    pass
            time.sleep(0.01)
        raise AssertionError(f"serve did not answer within {patience} s:\n{self.printed(begin)}")

    @property
    def endpoint(self) -> str:
        """Where it is, once it was started."""
        return f"{'http' if self._context is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def started(self) -> bool:
        """Whether it has ever run far enough to have made something."""
        return any(self.data.rglob("installation"))

    @property
    def installation(self) -> str:
        """The installation's id, which everything on a host carries; known once it was started.

        The API may answer a moment before the agent has noted it.
        """
        deadline = time.monotonic() + (patience(10) if self.process is not None else 0)
        while (found := next(self.data.rglob("installation"), None)) is None:
            assert time.monotonic() < deadline, f"no installation is noted in {self.data}"
            time.sleep(0.01)
        return found.read_text("ascii").strip()

    def printed(self, since: int = 0) -> str:
        """What the service printed so far, logs included."""
        return self.output.read_bytes()[since:].decode(errors="replace")

    def kill(self) -> None:
        """SIGKILL the process group, and the API of the linux plane, which has a session of its own."""
        if self.process is not None:
            with contextlib.ExitStack() as stack:
                halves = []
                for pid in _children(self.process.pid):
                    with contextlib.suppress(ProcessLookupError):
                        halves.append(stack.enter_context(_held(pid)))
                # The group is gone already when the service has ended by itself.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                for half in halves:
                    with contextlib.suppress(ProcessLookupError):
                        signal.pidfd_send_signal(half, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """SIGTERM, and wait for the end. Returns the exit status."""
        if self.process is None:
            return 0
        self.process.terminate()
        status = self.process.wait(timeout=30)
        self.process = None
        return status

    def control(self, method: str, target: str, body: Any = None) -> Any:
        """Ask the control API. Raises ControlRefused."""
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=30)
        try:
            connection.request(method, target, content, {"content-type": "application/json"} if content else {})
            answer = connection.getresponse()
            told = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise ControlRefused(answer.status, told)
        return told

    def client(self, **options: str) -> Client:
        """A client with the administrator's key; closed with the service."""
        self._clients.append(Client(self.port, **options))  # type: ignore[arg-type]  # the client's own options
        return self._clients[-1]

    def __enter__(self) -> Service:
        return self.start() if self.process is None else self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            client.close()
        if self.process is not None:
            self.kill()
