"""What the demonstration has on the host, and how that is removed, also after a failure half way or a SIGKILL."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.plane.linux.machines import Machine, Machines
from tests.support.linux import Left, clean
from tests.support.service import Service

from demo.signals import Signals

_NAMESPACES = Path("/run/netns")
_PREFIX = re.compile(r"gwdemo(\d+)-")
_FOLDER = "gatewright-demo-"
_PATIENCE = 5.0


class NotRemoved(Exception):
    """Not everything is gone, with what is left or why. ``before`` is what had ended the demonstration, if anything."""

    def __init__(self, told: str, before: BaseException | None) -> None:
        super().__init__(f"not everything was removed ({told}); the next `make demo` tries again")
        self.before = before


def prefix() -> str:
    """What this run's namespaces are called begins so: whoever comes later knows whose they were."""
    return f"gwdemo{os.getpid()}"


def folder_prefix() -> str:
    return f"{_FOLDER}{os.getpid()}-"


@dataclass
class Traced:
    """What is removed besides namespaces."""

    service: Service | None = None


@contextlib.contextmanager
def removed(folder: Path, signals: Signals) -> Iterator[Traced]:
    """At the end the machines of this run, the service and all that it has on the host, and the folder are gone.

    Raises NotRemoved when they are not; then the folder stays, by which the next run finds the rest.
    """
    traced = Traced()
    ended: BaseException | None = None
    try:
        yield traced
    except BaseException as error:
        ended = error
        raise
    finally:
        signals.ignore()
        _remove(traced, folder, ended)


def _remove(traced: Traced, folder: Path, ended: BaseException | None) -> None:
    """Remove one after the other, each even if another one fails. Raises NotRemoved."""
    problems = []
    steps: tuple[Callable[[], None], ...] = (lambda: _sweep(os.getpid()), lambda: _clean(traced.service))
    for step in steps:
        try:
            step()
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error}")
    try:
        if not problems:
            shutil.rmtree(folder)
    except OSError as error:
        problems.append(str(error))
    if problems:
        raise NotRemoved(", ".join(problems), ended)


def sweep_the_dead(where: Path) -> list[str]:
    """Remove what runs that were killed have left: their machines, gateways and folders; gives what these were.

    Raises Left.
    """
    found = []
    for pid in {pid for pid in map(_whose, _names()) if pid is not None and not _lives(pid)}:
        _sweep(pid)
        found.append(f"the machines of process {pid}")
    for folder in where.glob(f"{_FOLDER}*-*"):
        pid = int(folder.name.removeprefix(_FOLDER).partition("-")[0])
        if _lives(pid):
            continue
        for pid in _serving(folder):
            os.kill(pid, signal.SIGKILL)
        for file in folder.glob("data/*/installation"):
            clean(file.read_text("ascii").strip())
        shutil.rmtree(folder)
        found.append(str(folder))
    return found


def processes(namespace: str, name: str = "") -> list[int]:
    """Those in a network namespace whose program is called so, or all."""
    told = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False).stdout
    return [pid for pid in map(int, told.split()) if _program(pid).startswith(name)]


def _sweep(pid: int) -> None:
    """Remove the machines of one run, with whatever still runs in them. Raises Left."""
    names = [name for name in _names() if _whose(name) == pid]
    for name in names:
        for running in processes(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(running, signal.SIGKILL)
    deadline = time.monotonic() + _PATIENCE
    while any(map(processes, names)) and time.monotonic() < deadline:
        time.sleep(0.01)
    Machines(made=[Machine(name) for name in names]).remove()
    if left := [name for name in _names() if _whose(name) == pid]:
        raise Left(", ".join(f"namespace {name}" for name in left))


def _clean(service: Service | None) -> None:
    if service is None:
        return
    service.stop()
    if service.started:
        clean(service.installation)


def _names() -> list[str]:
    return [entry.name for entry in _NAMESPACES.iterdir()] if _NAMESPACES.is_dir() else []


def _whose(name: str) -> int | None:
    found = _PREFIX.match(name)
    return int(found[1]) if found else None


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _serving(folder: Path) -> list[int]:
    """Processes of a service on a data directory in this folder, the supervisor first."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if str(folder / "data").encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return sorted(found)


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
