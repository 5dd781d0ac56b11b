"""Charons that end by themselves or hang, and how they are brought back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatewright.plane.linux import LinuxPlane, vici_session
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.tunnels import keeper
from gatewright.plane.linux.tunnels.daemon import Daemon
from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import Lab, vswitch
from tests.plane.linux.sites import gateway
from tests.plane.linux.test_tunnel_changes import charon_of
from tests.plane.linux.tunnel_watch import Heard, play
from tests.support.patience import patience

#: Takes connections, as the kernel does for a process that stands still, and never answers.
_HANGS = """
import socket, sys
one = socket.socket(socket.AF_UNIX)
one.bind(sys.argv[1])
one.listen(16)
print(flush=True)
sys.stdin.read()
"""


#: Takes connections, and confirms whatever it is asked.
_CONFIRMS = """
import socket, struct, sys
one = socket.socket(socket.AF_UNIX)
one.bind(sys.argv[1])
one.listen(16)
print(flush=True)
taken, _ = one.accept()
while length := taken.recv(4, socket.MSG_WAITALL):
    taken.recv(struct.unpack("!I", length)[0], socket.MSG_WAITALL)
    taken.sendall(struct.pack("!IB", 1, 5))
sys.stdin.read()
"""


class Heeded:
    """Listens to a charon that says nothing."""

    def changed(self) -> None:
        raise AssertionError("it has answered")

    def logged(self, text: str) -> None:
        raise AssertionError(f"it has said {text}")


def test_a_charon_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vici_session, "PATIENCE", 0.1)
    path = tmp_path / "vici"
    command = [sys.executable, "-c", _HANGS, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGSTOP)

        async def main() -> str:
            died: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            process = Process.open(child.pid)
            assert process is not None
            daemon = Daemon(path, process, "tun1", Heeded(), died.set_result)
            try:
                async with asyncio.timeout(20):
                    return await died
            finally:
                await daemon.close()

        assert asyncio.run(main()) == f"process {child.pid} was ended by SIGKILL"


class Noted:
    """Listens to a charon, and notes when it comes and goes."""

    def __init__(self) -> None:
        self.something = asyncio.Event()

    def changed(self) -> None:
        self.something.set()

    def logged(self, text: str) -> None:
        raise AssertionError(f"it has said {text}")


def connected(daemon: Daemon) -> bool:
    return daemon.session is not None


def test_there_is_no_session_with_a_charon_that_has_ended_or_is_not_listened_to(tmp_path: Path) -> None:
    for number, ends in enumerate((True, False)):
        path = tmp_path / f"vici{number}"
        command = [sys.executable, "-c", _CONFIRMS, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()

            async def main(path: Path, child: subprocess.Popen[bytes], *, ends: bool) -> None:
                died: asyncio.Future[str] = asyncio.get_running_loop().create_future()
                process, noted = Process.open(child.pid), Noted()
                assert process is not None
                daemon = Daemon(path, process, "tun1", noted, died.set_result)
                await noted.something.wait()
                assert connected(daemon)
                if ends:
                    child.kill()
                    await died
                    assert not connected(daemon)
                    assert not daemon.lives
                await daemon.close()
                assert not connected(daemon)

            asyncio.run(asyncio.wait_for(main(path, child, ends=ends), patience(20)))


@pytest.mark.usefixtures("carried_by")
def since_boot(pid: int) -> float:
    """When a process was started, seconds."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(after_name[19]) / os.sysconf("SC_CLK_TCK")


def test_a_charon_that_ends_again_and_again_is_started_ever_more_slowly(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_MENDS", (2.0, 30.0, 60.0))

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        async def told(words: str) -> None:
            await heard.until(lambda: words in getattr(heard.last("tun-1"), "detail", ""))

        await plane.apply(vswitch())
        await plane.apply(gateway(tunnel(initiate=False)))
        started = []
        for _ in range(3):
            await told("begins when there is traffic")
            os.kill(charon_of(lab, 1), signal.SIGKILL)
            await told("its charon ended")
            await told("begins when there is traffic")
            started.append(since_boot(charon_of(lab, 1)))
        assert started[1] - started[0] > 1.5
        assert started[2] - started[1] > 3.5

    play(lab, scenario)
