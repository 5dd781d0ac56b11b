"""Daemons as processes: starting, telling apart, watching and ending them without ever hitting a stranger.

A process is held by a pidfd (pidfd_open(2)), which keeps meaning the same one when its number is used again.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux.confinement import Confinement
from gatewright.plane.linux.netns import Identity

#: What :func:`running` gave.
Seen = Sequence[tuple[int, Identity]]
#: Raised by a look at a process that has ended, or that we may not look at: then we did not start it.
_OUT_OF_SIGHT = (FileNotFoundError, ProcessLookupError, PermissionError)

#: How long a daemon may take to end by itself, and then by force, in seconds.
_GRACE = 5.0
_FORCE = 5.0


class Process:
    """A process that was alive when this was made. Close it after use."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        #: The pidfd, readable once the process has ended.
        self.descriptor = descriptor
        #: Whether it is known to have been ended by a signal, so that it could see to nothing any more.
        self.killed = False

    @classmethod
    def open(cls, pid: int) -> Self | None:
        """None if there is no such process (any more). Raises OSError."""
        with suppress(ProcessLookupError):
            return cls(pid, os.pidfd_open(pid))
        return None

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether the process has ended, waiting for that up to so many seconds."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        return bool(poll.poll(max(0.0, seconds) * 1000))

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, number)

    @property
    def closed(self) -> bool:
        return self.descriptor < 0

    def close(self) -> None:
        if not self.closed:
            os.close(self.descriptor)
            self.descriptor = -1


def start(command: Sequence[str], environment: Mapping[str, str], confinement: Confinement) -> Process:
    """Start a daemon in the namespace of the calling thread, in a session of its own. Raises OSError, PlaneError."""
    with confinement.view():
        child = _popen(confinement.command(command), environment)
    process = Process(child.pid, os.pidfd_open(child.pid))
    # It is to outlive us, so this object is not to wait for it or to complain; `epitaph` reaps it when it ends.
    child.returncode = 0
    return process


def _popen(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=dict(environment),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=True,
        start_new_session=True,
    )


def epitaph(process: Process) -> str:
    """How a process that has ended did so, as far as we can know, for people. Reaps it if we started it."""
    try:
        result = os.waitid(os.P_PIDFD, process.descriptor, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        result = None
    if result is None:
        return f"process {process.pid} ended"
    if result.si_code == os.CLD_EXITED:
        return f"process {process.pid} ended with status {result.si_status}"
    process.killed = True
    return f"process {process.pid} was ended by {signal.Signals(result.si_status).name}"


def terminate(processes: Iterable[Process]) -> None:
    """End processes, by force after a grace of 5 s, and close them. Raises PlaneError if one does not end."""
    left = list(processes)
    try:
        for number, patience in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, _FORCE)):
            deadline = time.monotonic() + patience
            running = [process for process in left if not process.ended()]
            for process in running:
                process.send(number)
            for process in running:
                process.ended(deadline - time.monotonic())
        stuck = [str(process.pid) for process in left if not process.ended()]
        if stuck:
            raise PlaneError(f"processes {', '.join(stuck)} do not end, not even by SIGKILL")
    finally:
        for process in left:
            if process.ended():
                epitaph(process)
            process.close()


def running() -> Iterator[tuple[int, Identity]]:
    """Every process in sight but this one, with its network namespace; zombies have none."""
    me = os.getpid()
    for name in os.listdir("/proc"):  # noqa: PTH208 - thousands of entries at times
        if name.isdigit() and int(name) != me:
            which = namespace_of(int(name))
            if which is not None:
                yield int(name), which


def namespace_of(pid: int) -> Identity | None:
    """The network namespace of a process, None if it is out of sight."""
    try:
        found = os.stat(f"/proc/{pid}/ns/net")  # noqa: PTH116 - for every process of the host: a Path each is slow
    except _OUT_OF_SIGHT:
        return None
    return Identity(found.st_dev, found.st_ino)


def executable_of(pid: int) -> str | None:
    """The file that a process runs, None if it is out of sight or a kernel thread."""
    try:
        found = os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115 - as above, for every process of the host
    except _OUT_OF_SIGHT:
        return None
    return found.removesuffix(" (deleted)")  # its package was upgraded or removed under it


def runs(pid: int, program: str) -> bool:
    """Whether a process runs the program with that path."""
    return executable_of(pid) == os.path.realpath(program)


def environment_of(pid: int, variable: str) -> str | None:
    """What an environment variable was when a process started, None if unset or out of sight."""
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except _OUT_OF_SIGHT:
        return None
    for entry in entries:
        name, _, value = entry.partition(b"=")
        if name == variable.encode():
            return os.fsdecode(value)
    return None
