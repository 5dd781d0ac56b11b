"""One charon in one namespace: found if it lives, started if not, known to answer, ended."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import charon_config, esp, netns, processes
from gatewright.plane.linux.confinement import Confinement
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.vici_client import LONGEST_PATH, ViciClient

EXECUTABLE = "/usr/sbin/charon-systemd"
CONFIG_VARIABLE = "STRONGSWAN_CONF"
CONFIG = "strongswan.conf"
OWN = "charon"
#: It talks to the kernel of routes and policies, and listens on UDP port 500; it drops the latter by itself.
CAPABILITIES = ("net_admin", "net_bind_service")

#: How long a charon that was found, and one that was just started, may take to answer, in seconds.
_FOUND_PATIENCE = 5.0
_START_PATIENCE = 10.0
_POLL = 0.002
_LOG_LINES = 5
#: Characters of a log that are read for its end: that of a start has some thousand.
_LONGEST_LOG = 1_000_000


def socket_of(folder: Folder) -> Path:
    """Where the charon of an item answers VICI."""
    return folder.path / OWN / "vici"


class Charon:
    """The charon of one instance. Everything here raises PlaneError."""

    def __init__(self, folder: Folder, namespace: str, user: int) -> None:
        """``user`` is the number that it runs as."""
        self._user = user
        self._folder = folder
        self._namespace = namespace
        self._config = folder.path / CONFIG
        #: What is charon's own: it may write nothing else.
        self._own = folder.path / OWN
        self._socket = socket_of(folder)
        self._log = self._own / "charon.log"
        self._found = False

    def begin(self, interfaces: Sequence[str], *, new_namespace: bool) -> Process:
        """A charon that lives and has the right configuration; it need not answer yet: see :meth:`finish`."""
        if len(str(self._socket)) > LONGEST_PATH:
            raise PlaneError(f"{self._socket} is too long for a socket: choose a shorter runtime folder")
        text = charon_config.render(esp.backend(), interfaces, self._socket, self._log).encode()
        listening = self._listening()
        found = [listening] if listening else [] if new_namespace else self._living()
        keep = self._worth_keeping(found, text)
        # a second charon would take the socket from the first, and leave it alive and out of reach
        processes.terminate(process for process in found if process is not keep)
        self._found = keep is not None
        if keep is not None:
            return keep
        self._folder.write(CONFIG, text, 0o644)
        return self._start(flush=not new_namespace)

    def finish(self, process: Process) -> Process:
        """Wait until charon answers VICI; one that was found and does not answer is replaced by a new one.

        Gives the charon that answers. If none does, none is left, and PlaneError has the end of its log.
        """
        if self._found:
            if self._answers(process, _FOUND_PATIENCE):
                return process
            processes.terminate([process])
            process = self._start(flush=True)
        started = time.monotonic()
        if self._answers(process, _START_PATIENCE):
            return process
        fate = (
            processes.epitaph(process)
            if process.ended()
            else f"no answer on its VICI socket after {time.monotonic() - started:.0f} s"
        )
        processes.terminate([process])
        raise PlaneError(f"charon did not come up in {self._namespace}: {fate}; {self._log} ends: {self._log_end()}")

    def end(self) -> None:
        """End whatever charon of this instance lives, and remove its files."""
        processes.terminate(self._living())
        self._folder.take_back(OWN)
        with step(f"removing {self._config}"):
            self._config.unlink(missing_ok=True)

    def _start(self, *, flush: bool) -> Process:
        if not Path(EXECUTABLE).exists():
            raise PlaneError("charon-systemd is not installed: apt-get install charon-systemd")
        # asked here: what setpriv says of it nobody hears
        if not Path(EXECUTABLE).stat().st_mode & stat.S_IXOTH:
            raise PlaneError(f"{EXECUTABLE} cannot be executed: chmod 755 {EXECUTABLE}")
        self._folder.lend(OWN, self._user)
        with step(f"removing {self._socket}"):
            self._socket.unlink(missing_ok=True)
        confinement = Confinement(self._user, CAPABILITIES, self._folder.path, self._own, esp.backend().devices)
        with step(f"starting charon in {self._namespace}"), netns.entered(self._namespace):
            if flush:
                esp.flush()
            environment = {CONFIG_VARIABLE: str(self._config), "PATH": "/usr/sbin:/usr/bin"}
            return processes.start([EXECUTABLE], environment, confinement)

    def _answers(self, process: Process, patience: float) -> bool:
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            # refused as long as it does not listen
            with suppress(OSError), ViciClient(self._socket, left) as client:
                if client.peer == process.pid:
                    client.version()
                    return True
            if process.ended(_POLL):
                return False
        return False

    def _log_end(self) -> str:
        try:
            # charon's folder is charon's: it could have put a link to a file of others there
            descriptor = os.open(self._log, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, errors="replace") as log:
                lines = log.read(_LONGEST_LOG).splitlines()
        except OSError as error:
            return f"(unreadable: {error})"
        return " | ".join(lines[-_LOG_LINES:])

    def _worth_keeping(self, found: list[Process], config: bytes) -> Process | None:
        with step(f"reading {self._config}"):
            if not found or not self._config.exists() or self._config.read_bytes() != config:
                return None
            here = netns.identity(self._namespace)
        return next((process for process in found if processes.namespace_of(process.pid) == here), None)

    def _listening(self) -> Process | None:
        """The charon at the other end of the VICI socket."""
        try:
            with ViciClient(self._socket, _FOUND_PATIENCE) as client:
                pid = client.peer
        except OSError:
            return None  # no socket, or nobody listens any more
        found = self._if_ours(pid)
        if found is None and processes.namespace_of(pid) is not None:
            raise PlaneError(f"process {pid} listens on {self._socket} and is not a charon of ours: end it")
        return found

    def _living(self) -> list[Process]:
        """Every charon in the namespace, or with our configuration in a namespace that has lost its name."""
        with step("looking for a living charon"):
            here = netns.identity(self._namespace)
            # whoever is in a namespace that has a name is none of ours unless it is this one
            elsewhere = {*netns.listing().values(), netns.home()} - {here}
            return [
                found
                for pid, where in processes.running()
                if where not in elsewhere and processes.runs(pid, EXECUTABLE) and (found := self._if_ours(pid))
            ]

    def _if_ours(self, pid: int) -> Process | None:
        process = Process.open(pid)
        if process is None:
            return None
        if processes.runs(pid, EXECUTABLE) and (
            processes.namespace_of(pid) == netns.identity(self._namespace)
            or processes.environment_of(pid, CONFIG_VARIABLE) == str(self._config)
        ):
            return process
        process.close()
        return None
