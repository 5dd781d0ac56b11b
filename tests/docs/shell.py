"""A shell in which a page's commands run one after the other, as in a reader's terminal."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PATIENCE = 60.0


class Shell:
    """A bash with a folder of its own. What was started in it ends with it."""

    def __init__(self, folder: Path, environment: dict[str, str], within: Sequence[str] = ()) -> None:
        """``within`` is put before the command line, so that the shell runs elsewhere."""
        self._folder = folder
        self._steps = 0
        self._status, told = os.pipe()
        self._told = told
        self._bash = subprocess.Popen(
            [*within, "bash", "--noprofile", "--norc", "-s"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            pass_fds=(told,),
            start_new_session=True,
        )
        os.close(told)
        self._say(f"cd {folder}\n")

    def run(self, command: str) -> tuple[int, str]:
        """Run to its end. Returns its exit status and all that it printed. AssertionError when it takes too long."""
        step, output = self._step(command)
        self._say(f". {step} >{output} 2>&1 </dev/null\necho $? >&{self._told}\n")
        readable, _, _ = select.select([self._status], [], [], PATIENCE)
        assert readable, f"this has not ended after {PATIENCE:.0f} s:\n{command}\n{output.read_text()}"
        status = os.read(self._status, 100)
        assert status, f"the page's shell has ended with this:\n{command}\n{output.read_text()}"
        return int(status), output.read_text(errors="replace")

    def start(self, command: str, enough: Callable[[str], bool]) -> tuple[bool, str]:
        """Run on, until ``enough`` says so of what was printed. Returns whether it did, and what was printed."""
        step, output = self._step(command)
        self._say(f". {step} >{output} 2>&1 </dev/null &\n")
        deadline = time.monotonic() + PATIENCE
        while True:
            printed = output.read_text(errors="replace") if output.exists() else ""
            if enough(printed):
                return True, printed
            if time.monotonic() > deadline:
                return False, printed
            time.sleep(0.02)

    def _step(self, command: str) -> tuple[Path, Path]:
        self._steps += 1
        step = self._folder / f".step-{self._steps}"
        step.write_text(command + "\n")
        return step, step.with_suffix(".output")

    def _say(self, line: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(line.encode())
        self._bash.stdin.flush()

    def close(self) -> None:
        """End all that runs in it: politely, and then for good."""
        assert self._bash.stdin is not None
        group = self._bash.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)
        with contextlib.suppress(BrokenPipeError):
            self._bash.stdin.close()
        deadline = time.monotonic() + 15
        while self._bash.poll() is None or _is_there(group):
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
                break
            time.sleep(0.02)
        self._bash.wait(timeout=PATIENCE)
        os.close(self._status)


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
