"""`make demo` for real, as a program: what it claims is so, and however it ends nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.linux import unmet
from tests.support.patience import patience

_PAUSE = re.compile(r"longest pause of UDP, a datagram each 10 ms +(\d+) ms")


@pytest.fixture(autouse=True)
def linux_host() -> None:
    if unmet():
        pytest.skip(unmet())


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short name, for the sockets in it."""
    with tempfile.TemporaryDirectory(prefix="gwt") as made:
        yield Path(made)


class Demo:
    """Its lines, as they come."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.plot = folder / "demo.svg"
        self.printed: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo", "--stay", "0.5", "--plot", str(self.plot), *options],
            env=os.environ | {"TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed.append(line)
            if text in line:
                return
        raise AssertionError("".join(self.printed))

    def end(self) -> int:
        """Read on to the end; the exit status."""
        assert self.process.stdout is not None
        self.printed += self.process.stdout
        return self.process.wait(patience(30))

    @property
    def text(self) -> str:
        return "".join(self.printed)


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Iterator[Demo]:
    demo = Demo(folder, *options)
    with demo.process:
        try:
            yield demo
        finally:
            if demo.process.poll() is None:
                demo.process.send_signal(signal.SIGINT)
                demo.process.wait(patience(30))


def namespaces(*words: str) -> list[str]:
    told = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return [line for line in told.splitlines() if any(word in line for word in words)]


def processes(folder: Path) -> list[str]:
    """What runs with something of this folder on its command line."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and str(folder).encode() in (line := (entry / "cmdline").read_bytes()):
                found.append(line.decode(errors="replace"))
    return found


def nothing_is_left(folder: Path, demo: Demo, *installations: str) -> None:
    mine = [f"gwdemo{demo.process.pid}-", *(f"gw-{one}-" for one in installations)]
    assert namespaces(*mine) == []
    assert list(folder.glob("gatewright-demo-*")) == []
    deadline = time.monotonic() + patience(5)
    while found := processes(folder):  # a killed one is gone a moment later
        assert time.monotonic() < deadline, found


def installation(folder: Path, demo: Demo) -> str:
    (file,) = folder.glob(f"gatewright-demo-{demo.process.pid}-*/data/agent/installation")
    return file.read_text("ascii").strip()


def test_the_stream_goes_on_and_what_a_killed_run_has_left_is_removed(folder: Path) -> None:
    with running(folder) as killed:
        killed.until("is active")
        left = installation(folder, killed)
        killed.process.kill()
        killed.process.wait()
    assert namespaces(f"gw-{left}-")
    with running(folder) as demo:
        demo.until("talk")
        own = installation(folder, demo)
        assert demo.end() == 0, demo.text
    assert "Removed what an earlier run has left" in demo.text
    for happened in (
        "the master's strongSwan at the gateway is killed",
        "the master's way through the Internet is cut",
        "the API says of the master's BGP: down",
        "the way is mended",
    ):
        assert happened in demo.text
    assert "the master carries again" in demo.text
    pauses = [int(found) for found in _PAUSE.findall(demo.text)]
    # far above what it takes, far below what DPD alone would take, however busy this machine is
    assert len(pauses) == 2
    assert all(0 < each < 5000 for each in pauses), demo.text
    assert "datagrams lost" in demo.plot.read_text()
    nothing_is_left(folder, demo, left, own)


def test_ctrl_c_removes_everything(folder: Path) -> None:
    with running(folder) as demo:
        demo.until("is ordered: two tunnels")
        own = installation(folder, demo)
        demo.process.send_signal(signal.SIGINT)
        assert demo.end() == 130, demo.text
    assert "interrupted; everything was removed" in demo.text
    nothing_is_left(folder, demo, own)
