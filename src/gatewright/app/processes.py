"""What every process of a service has in common: memory, files, signals, and not outliving its parent."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import resource
import signal
from collections.abc import Callable

_log = logging.getLogger(__name__)
#: Files that an API process has open beside its connections: databases, sockets, pipes, with much to spare.
_OTHER_FILES = 192
#: Files that an agent asks for, if it may: 6 an instance are enough, 10,000 instances are more than a host carries.
_MANY_FILES = 65_536

#: How long what a supervisor that was killed has left has to end, seconds.
PREDECESSOR = 20.0
#: What a host that cannot run the linux plane can do, in a sentence.
INSTEAD_OF_LINUX = "The simulated plane runs anywhere: --plane simulated, or make run PLANE=simulated."

_PR_SET_PDEATHSIG = 1
#: Requests make few cycles; collecting a tenth as often as by default is a few per cent of a create (measured).
_COLLECT = (7000, 10, 10)


def die_with_parent(parent: int) -> None:
    """Have the kernel send this process SIGTERM when its parent ends, even by SIGKILL."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)


def settle_memory() -> None:
    """Tell collector and allocator that the process has started; the collector may have been switched off until now.

    What is loaded by now stays: the collector need not look at it again and again. What loading it has freed goes back
    to the system: 4 MB (measured).
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(*_COLLECT)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def room_for(connections: int) -> int:
    """Allow the process as many open files as so many connections need. Returns how many the system grants."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    needed = connections + _OTHER_FILES
    if soft != unlimited and soft < needed:
        soft = needed if hard == unlimited else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft != unlimited and soft < needed:
        connections = max(1, soft - _OTHER_FILES)
        _log.warning(
            "the system allows %d open files (ulimit -n): %d connections are served at once", soft, connections
        )
    return connections


def open_many_files() -> None:
    """Allow the process as many open files as the system lets it: an agent has a few for each instance."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, _MANY_FILES)
    if soft not in (resource.RLIM_INFINITY, most) and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Stop(asyncio.Event):
    """Set when the process is to end."""

    #: Whether a person wants it so: SIGINT, which is Ctrl-C.
    interrupted = False

    def interrupt(self) -> None:
        """Set it, as a person's Ctrl-C does."""
        self.interrupted = True
        self.set()


def on_hangup(reload: Callable[[], None], stop: asyncio.Event) -> None:
    """Have SIGHUP read anew what can be, as `systemctl reload` asks for.

    That the terminal has gone, which is told by the same signal, ends the service, unless it was started with `nohup`.
    """
    ends = _has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN

    def hung_up() -> None:
        if ends and not _has_terminal():
            stop.set()
        else:
            reload()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hung_up)


def pass_over_hangup() -> None:
    """Go on at SIGHUP, in what a supervisor ends when it is time."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)


def _has_terminal() -> bool:
    """Whether there is a terminal that the process belongs to."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def stop_event() -> Stop:
    """An event that SIGTERM and SIGINT set."""
    stop = Stop()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.interrupt)
    return stop
