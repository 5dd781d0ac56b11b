"""One agent an installation and host, whatever data directory it was started with."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from pathlib import Path

from gatewright.errors import ConfigurationError

_log = logging.getLogger(__name__)
_POLL = 0.05
#: Where a host's installations have what does not outlive a reboot.
RUNTIME = Path("/run/gatewright")


class AgentRuns(ConfigurationError):
    """An agent of the installation runs on this host."""


class HostLock:
    """Held by the agent of an installation, and by whoever removes all of it; until the process ends, however it ends.

    Raises AgentRuns when another one holds it for longer than ``patience`` seconds, or ConfigurationError when the lock
    cannot be made.
    """

    def __init__(self, installation: str, runtime: Path = RUNTIME, patience: float = 0.0) -> None:
        self._path = runtime / f"{installation}.lock"
        try:
            runtime.mkdir(parents=True, exist_ok=True)
            self._descriptor = self._wait(installation, time.monotonic() + patience)
            os.truncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)
        except OSError as error:
            raise ConfigurationError(f"the lock {self._path} cannot be made: {error.strerror}") from error

    def release(self) -> None:
        """Let go before the process ends, and leave no file."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _wait(self, installation: str, deadline: float) -> int:
        """The lock, tried for until a time: an agent whose supervisor was killed has yet to end."""
        warned = False
        while True:
            try:
                return self._take(installation)
            except AgentRuns:
                if time.monotonic() >= deadline:
                    raise
                if not warned:
                    _log.warning("%s is held: waiting for the agent that holds it to end", self._path)
                    warned = True
            time.sleep(_POLL)

    def _take(self, installation: str) -> int:
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # one that was let go in the meantime has no name any more, and keeps nobody out
                if self._path.exists() and os.path.samestat(os.fstat(descriptor), self._path.stat()):
                    return descriptor
            except BlockingIOError:
                holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
                os.close(descriptor)
                raise AgentRuns(
                    f"an agent of installation {installation} runs on this host already"
                    + (f" (process {holder})" if holder else "")
                    + ": end the service that it belongs to first"
                ) from None
            os.close(descriptor)


def local_socket(installation: str, runtime: Path = RUNTIME) -> Path:
    """Where the agent of an installation answers people on its host."""
    return runtime / f"{installation}.sock"
