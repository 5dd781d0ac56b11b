"""One daemon of an item, in one namespace: found if it lives, started if not, known to answer, ended.

What is said here of all daemons is what charon's and BIRD's modules have in common; they say the rest.
"""

from __future__ import annotations

import abc
import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gatewright.isolation.view import Device
from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import local_sockets, netns, processes
from gatewright.plane.linux.confinement import Confinement
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.processes import Process, Seen

#: How long a daemon that was found, and one that was just started, may take to answer, in seconds.
_FOUND_PATIENCE = 5.0
_START_PATIENCE = 10.0
_POLL = 0.002
_LOG_LINES = 5
#: Characters of a log that are read for its end: that of a start has some thousand.
_LONGEST_LOG = 1_000_000


class Program(NamedTuple):
    """What the daemons of one kind have in common."""

    #: For people, and the name of the folder in its item's that is its own: it may write nothing else.
    name: str
    executable: str
    #: The Debian package that has it.
    package: str
    #: The environment variable that has the path of the configuration: by it strays are known to be ours.
    variable: str
    #: The configuration, in the item's folder; socket and log, in the daemon's own.
    config: str
    socket: str
    log: str
    capabilities: tuple[str, ...]


class Daemon(abc.ABC):
    """One daemon of one item. Everything here blocks and raises PlaneError."""

    #: Whether one that runs takes another configuration in place, and need not be started anew for it.
    _reconfigures = False

    def __init__(self, program: Program, folder: Folder, namespace: str, user: int) -> None:
        """``user`` is the number that it runs as."""
        self._program = program
        self._user = user
        self._folder = folder
        self._namespace = namespace
        self._config = folder.path / program.config
        self._own = folder.path / program.name
        self._socket = self._own / program.socket
        self._log = self._own / program.log
        self._found = False

    @property
    def name(self) -> str:
        """For people."""
        return self._program.name

    @abc.abstractmethod
    def _command(self) -> Sequence[str]:
        """The command line."""

    @abc.abstractmethod
    def _answer(self, seconds: float) -> int:
        """Have it answer on its socket within so many seconds; gives its process's number. Raises OSError."""

    @abc.abstractmethod
    def _before_start(self, *, flush: bool) -> None:
        """Called in the namespace; ``flush``: another one may have been there before."""

    def _environment(self) -> dict[str, str]:
        return {}

    def _devices(self) -> tuple[Device, ...]:
        return ()

    def _begin(self, config: bytes, *, new_namespace: bool) -> Process:
        """One that lives and may stay, or a new one. It need not answer yet: see :meth:`finish`."""
        if len(str(self._socket)) > local_sockets.LONGEST_PATH:
            raise PlaneError(f"{self._socket} is too long for a socket: choose a shorter runtime folder")
        listening = self._listening()
        found = [listening] if listening else [] if new_namespace else self._living()
        try:
            keep = self._worth_keeping(found, config)
            # a second one would take the socket from the first, and leave it alive and out of reach
            processes.terminate(process for process in found if process is not keep)
            self._found = keep is not None
            self._write(config)
            return keep or self._start(flush=not new_namespace)
        except BaseException:
            for process in found:
                process.close()
            raise

    def finish(self, process: Process) -> Process:
        """Wait until it answers; one that was found and does not answer is replaced by a new one.

        Gives the process that answers. If none does, none is left, and PlaneError has the end of its log.
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
            else f"no answer on {self._socket} after {time.monotonic() - started:.0f} s"
        )
        processes.terminate([process])
        name = self._program.name
        raise PlaneError(f"{name} did not come up in {self._namespace}: {fate}; {self._log} ends: {self._log_end()}")

    def end(self, seen: Seen | None = None) -> None:
        """End whatever of this daemon lives, and remove its files; ``seen`` are the host's processes, if known."""
        processes.terminate(self._living(seen))
        self._folder.take_back(self._program.name)
        with step(f"removing {self._config}"):
            self._config.unlink(missing_ok=True)

    def leave(self) -> None:
        """The same, but looking for it only where something of it is left."""
        if self._config.exists() or self._own.exists():
            self.end()

    def _write(self, config: bytes) -> None:
        self._folder.write(self._program.config, config, 0o644)

    def _start(self, *, flush: bool) -> Process:
        name, program = self._program.name, Path(self._program.executable)
        if not program.exists():
            raise PlaneError(f"{program.name} is not installed: apt-get install {self._program.package}")
        # asked here: what setpriv says of it nobody hears
        if not program.stat().st_mode & stat.S_IXOTH:
            raise PlaneError(f"{program} cannot be executed: chmod 755 {program}")
        self._folder.lend(name, self._user)
        with step(f"removing {self._socket}"):
            self._socket.unlink(missing_ok=True)
        confinement = Confinement(self._user, self._program.capabilities, self._folder.path, self._own, self._devices())
        with step(f"starting {name} in {self._namespace}"), netns.entered(self._namespace):
            self._before_start(flush=flush)
            environment = {self._program.variable: str(self._config), "PATH": "/usr/sbin:/usr/bin"}
            return processes.start(self._command(), environment | self._environment(), confinement)

    def _answers(self, process: Process, patience: float) -> bool:
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            # refused as long as it does not listen
            with suppress(OSError):
                if self._answer(left) == process.pid:
                    return True
            if process.ended(_POLL):
                return False
        return False

    def _log_end(self) -> str:
        try:
            # the daemon's folder is the daemon's: it could have put a link to a file of others there
            descriptor = os.open(self._log, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, errors="replace") as log:
                lines = log.read(_LONGEST_LOG).splitlines()
        except OSError as error:
            return f"(unreadable: {error})"
        return " | ".join(lines[-_LOG_LINES:])

    def _worth_keeping(self, found: list[Process], config: bytes) -> Process | None:
        with step(f"reading {self._config}"):
            if (
                not found
                or not self._config.exists()
                or not (self._reconfigures or self._config.read_bytes() == config)
            ):
                return None
            here = netns.identity(self._namespace)
        return next((process for process in found if processes.namespace_of(process.pid) == here), None)

    def _listening(self) -> Process | None:
        """The daemon at the other end of the socket."""
        try:
            pid = local_sockets.listener(self._socket, _FOUND_PATIENCE)
        except OSError:
            return None  # no socket, or nobody listens any more
        found = self._if_ours(pid)
        if found is None and processes.namespace_of(pid) is not None:
            name = self._program.name
            raise PlaneError(f"process {pid} listens on {self._socket} and is not a {name} of ours: end it")
        return found

    def _living(self, seen: Seen | None = None) -> list[Process]:
        """Every one in the namespace, or with our configuration in a namespace that has lost its name."""
        with step(f"looking for a living {self._program.name}"):
            here = netns.identity(self._namespace)
            # whoever is in a namespace that has a name is none of ours unless it is this one
            elsewhere = {*netns.listing().values(), netns.home()} - {here}
            return [
                found
                for pid, where in (processes.running() if seen is None else seen)
                if where not in elsewhere
                and processes.runs(pid, self._program.executable)
                and (found := self._if_ours(pid))
            ]

    def _if_ours(self, pid: int) -> Process | None:
        process = Process.open(pid)
        if process is None:
            return None
        if processes.runs(pid, self._program.executable) and (
            processes.namespace_of(pid) == netns.identity(self._namespace)
            or processes.environment_of(pid, self._program.variable) == str(self._config)
        ):
            return process
        process.close()
        return None
