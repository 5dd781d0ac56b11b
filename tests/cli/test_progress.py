"""Waiting with a person watching: what is said, on a terminal and elsewhere, and how it ends."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from gatewright.cli.progress import INTERRUPTED, TOOK_TOO_LONG, Ended, Look, Progress, Wait, elapsed
from gatewright.client import Unreachable

WAIT = Wait("vpn-1", "active", "The gateway goes on being made.", "gatewright gateways wait vpn-1", patience=100.0)


class Time:
    """A clock that sleeping advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def shown(*looks: Look | BaseException, wait: Wait = WAIT) -> tuple[list[str], Look | Ended]:
    """What is said to somebody without a terminal, the last look repeated for ever; and how it ended."""
    time, stream = Time(), io.StringIO()
    coming: Iterator[Look | BaseException] = iter(looks)
    last: Look | BaseException = looks[-1]

    def look() -> Look:
        found = next(coming, last)
        if isinstance(found, BaseException):
            raise found
        return found

    ended: Look | Ended
    with Progress(stream, clock=time, sleep=time.sleep) as progress:
        try:
            ended = progress.wait(wait, look)
        except Ended as error:
            ended = error
    return stream.getvalue().splitlines(), ended


def test_each_change_is_a_line_and_nothing_is_said_twice() -> None:
    lines, ended = shown(
        Look("init"), Look("init"), Look("provisioning"), Look("provisioning"), Look("active", done=True)
    )
    assert lines == [
        "vpn-1 is init, waiting for active",
        "vpn-1: init -> provisioning (0.2 s)",
        "vpn-1 is provisioning, waiting for active",
        "vpn-1 is active (0.8 s)",
    ]
    assert ended == Look("active", done=True)


def test_what_takes_long_is_said_to_go_on() -> None:
    lines, ended = shown(Look("provisioning"))
    assert lines[0] == "vpn-1 is provisioning, waiting for active"
    assert [line for line in lines if re.search(r"waiting for active \(\d+ s\)|min \d\d s\)", line)] == lines[1:]
    assert len(lines) == 4
    assert isinstance(ended, Ended)
    assert ended.status == TOOK_TOO_LONG
    assert "is provisioning after 1 min" in str(ended)
    assert "not active. The gateway goes on being made. To wait again: gatewright gateways wait vpn-1" in str(ended)


def test_ctrl_c_says_what_goes_on_on_the_server() -> None:
    _, ended = shown(Look("provisioning"), KeyboardInterrupt())
    assert isinstance(ended, Ended)
    assert ended.status == INTERRUPTED
    assert str(ended) == (
        "stopped waiting for vpn-1. The gateway goes on being made. To wait again: gatewright gateways wait vpn-1"
    )


def test_what_can_never_come_is_not_waited_for() -> None:
    _, ended = shown(Look("init"), Look("deleting", failed="it is being deleted"))
    assert str(ended) == "vpn-1 is deleting: it is being deleted"


def test_a_service_may_be_away_for_a_while() -> None:
    lines, ended = shown(Look("init"), Unreachable("gone"), Look("active", done=True))
    assert "vpn-1: init -> no answer, trying again (0.1 s)" in lines
    assert ended == Look("active", done=True)
    with pytest.raises(Unreachable, match="gone"):
        shown(Look("init"), Unreachable("gone"))


def test_quiet_says_nothing() -> None:
    stream = io.StringIO()
    with Progress(stream, quiet=True) as progress:
        progress.note("made a VPC")
        progress.wait(WAIT, lambda: Look("active", done=True))
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("seconds", "text"), [(0.04, "0.0 s"), (9.96, "10.0 s"), (59.9, "59 s"), (185, "3 min 05 s")])
def test_times_as_people_read_them(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text


_SCENE = """
import sys
from gatewright.cli.progress import Look, Progress, Wait
looks = iter([Look("init"), Look("provisioning"), Look("provisioning"), Look("active", done=True)])
with Progress() as progress:
    progress.note("made VPC vpc-1 [10.0.0.0/16]")
    progress.wait(Wait("vpn-" + "x" * int(sys.argv[1]), "active", ""), lambda: next(looks))
print("rich" in sys.modules)
"""


def on_a_terminal(scene: str, *arguments: str, columns: int = 80, **environment: str) -> str:
    """What a script writes to a terminal of this width."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", scene, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "LANG": "C.UTF-8", **environment},
    )
    os.close(theirs)
    written = b"".join(iter(_reader(ours), b""))
    os.close(ours)
    assert process.wait(timeout=30) == 0, written
    return written.decode()


def _reader(descriptor: int) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return os.read(descriptor, 4096)
        except OSError:  # Linux says so when the other end is closed
            return b""

    return read


def test_on_a_terminal_a_line_is_kept_up_to_date_and_taken_away() -> None:
    written = on_a_terminal(_SCENE, "2")
    assert "made VPC vpc-1 [10.0.0.0/16]\r\n" in written
    assert "vpn-xx is provisioning, waiting for active" in written
    assert "vpn-xx: init -> provisioning" in written
    assert "\x1b[?25h" in written  # the cursor is back
    assert written.endswith("True\r\n")


def test_a_narrow_terminal_gets_one_line() -> None:
    written = on_a_terminal(_SCENE, "70", columns=40)
    drawn = [line for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\r", written).split("\r") if "\u2026" in line]
    assert drawn
    assert all(len(line.strip("\n")) <= 40 for line in drawn)


def test_a_dumb_terminal_gets_lines_without_control_characters() -> None:
    written = on_a_terminal(_SCENE, "2", TERM="dumb")
    assert "\x1b" not in written
    assert written.endswith("False\r\n")
