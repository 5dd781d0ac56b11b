"""One charon in one namespace: found if it lives, started if not, known to answer, ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import charon_config, esp, netns, processes
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.vici_client import LONGEST_PATH, ViciClient

EXECUTABLE = "/usr/sbin/charon-systemd"
CONFIG_VARIABLE = "STRONGSWAN_CONF"
CONFIG = "strongswan.conf"

#: How long a charon that was found, and one that was just started, may take to answer, in seconds.
_FOUND_PATIENCE = 5.0
_START_PATIENCE = 10.0
_POLL = 0.002
_LOG_LINES = 5


class Charon:
    """The charon of one instance. Everything here raises PlaneError."""

    def __init__(self, folder: Folder, namespace: str) -> None:
        self._folder = folder
        self._namespace = namespace
        self._config = folder.path / CONFIG
        self._socket = folder.path / "vici"
        self._log = folder.path / "charon.log"
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
        self._folder.write(CONFIG, text)
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
        with step(f"removing charon's files in {self._folder.path}"):
            for path in (self._socket, self._config, self._log):
                path.unlink(missing_ok=True)

    def _start(self, *, flush: bool) -> Process:
        with step(f"starting charon in {self._namespace}"), netns.entered(self._namespace):
            self._socket.unlink(missing_ok=True)
            if flush:
                esp.flush()
            try:
                return processes.start([EXECUTABLE], {CONFIG_VARIABLE: str(self._config), "PATH": "/usr/sbin:/usr/bin"})
            except FileNotFoundError as error:
                raise PlaneError("charon-systemd is not installed: apt-get install charon-systemd") from error

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
            lines = self._log.read_text(errors="replace").splitlines()
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
            return [
                found
                for pid, _ in processes.running()
                if processes.runs(pid, EXECUTABLE) and (found := self._if_ours(pid))
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
