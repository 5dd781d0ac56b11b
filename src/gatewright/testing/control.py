"""The control API of a service under test, typed (docs/control.md has what each thing means)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from gatewright.testing.steering import Calls, Capacity, Clock, Delays, Faults, Instances, Tunnels

#: A delayed answer takes 300 s at the most; steering itself takes milliseconds.
_TIMEOUT = 60.0


class ControlRefused(Exception):
    """What was asked of the control API cannot be: a wrong value, or one that does not go with the service as it is."""

    def __init__(self, status: int, error: str, parameter: str) -> None:
        super().__init__(error)
        self.status = status
        #: What is wrong, in a sentence.
        self.error = error
        #: The field or part of the path that is wrong; empty where none is.
        self.parameter = parameter


class ServerGone(Exception):
    """The service does not answer; the text has the end of what it printed."""


class Control:
    """Steers a simulated service. Methods raise ControlRefused and ServerGone.

    What changes the clock, delays, instances, tunnels or all state returns when what follows from it can be seen.
    """

    def __init__(self, url: str, output: Callable[[], str] = str) -> None:
        """``url`` is ``http://HOST:PORT``; ``output`` tells what the service has printed."""
        #: Where the control API is, for what has no method here.
        self.url = url
        self._output = output
        self.clock = Clock(self.ask)
        self.delays = Delays(self.ask)
        self.capacity = Capacity(self.ask)
        self.faults = Faults(self.ask)
        self.instances = Instances(self.ask)
        self.tunnels = Tunnels(self.ask)
        self.calls = Calls(self.ask)

    def reset(self) -> None:
        """Back to a service that has only just been started; account and key stay. Takes a few milliseconds."""
        self.ask("POST", "/v1/reset")

    def snapshot(self) -> bytes:
        """All state, without access keys, as a JSON document: for :meth:`restore`, or for a file."""
        return self._send("GET", "/v1/snapshot", None)

    def restore(self, snapshot: bytes) -> None:
        """Replace all state by a snapshot's."""
        self._send("PUT", "/v1/snapshot", snapshot)

    def ask(self, method: str, target: str, body: object = None) -> Any:
        """Any request, with and for JSON values: for what has no method here."""
        return json.loads(self._send(method, target, None if body is None else json.dumps(body).encode()))

    def _send(self, method: str, target: str, body: bytes | None) -> bytes:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        try:
            connection.request(method, target, body, {} if body is None else {"Content-Type": "application/json"})
            answer = connection.getresponse()
            status, told = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise ServerGone(
                f"{method} {self.url}{target} is not answered ({reason}); the service printed:\n{self._output()}"
            ) from error
        finally:
            connection.close()
        if status != http.HTTPStatus.OK:
            refusal = json.loads(told)
            raise ControlRefused(status, refusal["error"], refusal["parameter"])
        return told
