"""SIGKILL to whatever part of a linux plane's service chance picks."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.soak.host import Host
from tests.support.service import Service

#: More than one daemon may be killed at a time, and a dying half catches some while it works on them.
_MOST_DAEMONS = 4


class Chaos:
    """Kills, and starts again what nobody else starts."""

    def __init__(self, service: Service, host: Host, seed: int) -> None:
        self.killed: Counter[str] = Counter()
        self._service = service
        self._host = host
        self._chance = random.Random(f"{seed}/chaos")
        self._victims: dict[str, Callable[[], None]] = {
            "group": self._group,
            "supervisor": self._supervisor,
            "api": lambda: self._half("api"),
            "agent": lambda: self._half("agent"),
            "daemons": self._daemons,
        }

    def moments(self, steps: int, kills: int) -> list[int]:
        """After how many steps to kill, in order."""
        return sorted(self._chance.choices(range(1, max(2, steps)), k=kills))

    def pause(self) -> float:
        """How long to wait after such a moment, seconds: nothing or up to a third of a second."""
        return self._chance.choice([0.0, self._chance.random() / 3])

    def kill(self) -> str:
        """Kill something. Returns what."""
        victim = self._chance.choice(list(self._victims))
        self._victims[victim]()
        self.killed[victim] += 1
        return victim

    def halves(self) -> dict[str, int]:
        """The processes of the service by what they are, the supervisor among them."""
        supervisor = self._service.process
        if supervisor is None:
            return {}
        found = {"supervisor": supervisor.pid}
        for pid in _children(supervisor.pid):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except FileNotFoundError:
                continue  # killed a moment ago
            for half in ("api", "agent"):
                if f"half-{half}".encode() in words:
                    found[half] = pid
        return found

    def _group(self) -> None:
        self._service.kill()
        self._service.start()

    def _supervisor(self) -> None:
        process = self._service.process
        assert process is not None, "the service is not running"
        process.kill()
        process.wait()
        self._service.process = None
        self._service.start()

    def _half(self, half: str) -> None:
        # it may be about to be started again
        pid = self.halves().get(half)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def _daemons(self) -> None:
        alive = sorted(self._host.daemons())
        for pid in self._chance.sample(alive, min(len(alive), self._chance.randint(1, _MOST_DAEMONS))):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
