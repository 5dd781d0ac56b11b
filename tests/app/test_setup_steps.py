"""The set-up says in a line what each step does, and how long it took."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

STEP = Path(__file__).parents[2] / "scripts/step.sh"


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", STEP, "Doing it", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_step_is_a_line_whatever_it_prints_itself() -> None:
    ran = _run("sh", "-c", "echo noise; echo more >&2")
    assert ran.returncode == 0
    assert re.fullmatch(r"Doing it \.\.\. \d+\.\d s\n", ran.stdout), ran.stdout


def test_a_step_that_fails_shows_what_it_printed() -> None:
    ran = _run("sh", "-c", "echo out; echo why >&2; exit 7")
    assert ran.returncode == 7
    assert re.fullmatch(r"Doing it \.\.\. failed after \d+\.\d s:\nout\nwhy\n", ran.stdout), ran.stdout


def test_a_terminal_sees_the_seconds_pass(tmp_path: Path) -> None:
    done = tmp_path / "done"
    command = f"until [ -e {done} ]; do sleep 0.02; done"
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(["sh", STEP, "Doing it", "sh", "-c", command], stdout=theirs, start_new_session=True)
    os.close(theirs)
    seen = b""
    while b"   1 s" not in seen:
        seen += os.read(terminal, 1000)
    done.touch()
    while b"\n" not in seen:
        seen += os.read(terminal, 1000)
    assert process.wait(20) == 0
    os.close(terminal)
    back = "\b" * 6
    text = rf"Doing it \.\.\.    0 s(?:{back}   \d s)+{back}\d+\.\d s *\r\n"
    assert re.fullmatch(text, seen.decode()), seen


def test_ctrl_c_ends_a_step_and_leaves_nothing(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        ["sh", STEP, "Doing it", "sh", "-c", f"touch {tmp_path}/began; exec sleep 30"],
        env=environment,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "began").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == b"Doing it ... \n"
    assert [path.name for path in tmp_path.iterdir()] == ["began"]
