"""``gatewright top`` on a terminal: drawn, resized, steered by keys, through a restart; and without a terminal."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cli.command import Command
from tests.support.service import Service

PATIENCE = 60.0


class Terminal:
    """A terminal of tmux with a shell in it."""

    def __init__(self, command: Command) -> None:
        self._server = f"gatewright-{uuid.uuid4().hex}"
        environment = [f"{name}={value}" for name, value in command.environment.items()]
        shell = ["env", "-i", *environment, "TERM=screen-256color", "LANG=C.UTF-8", "PS1=ready> ", "sh"]
        self.tmux("new-session", "-d", "-x", "80", "-y", "24", "-s", "t", shlex.join(shell))

    def tmux(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-L", self._server, "-f", "/dev/null", *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "t", *keys)

    def resize(self, width: int, height: int) -> None:
        self.tmux("resize-window", "-t", "t", "-x", str(width), "-y", str(height))

    def until(self, wanted: Callable[[list[str]], Any]) -> list[str]:
        """The screen's lines, once they are as wanted."""
        deadline = time.monotonic() + PATIENCE
        while True:
            lines = self.tmux("capture-pane", "-p", "-t", "t").splitlines()
            if wanted(lines):
                return lines
            assert time.monotonic() < deadline, "\n".join(lines)
            time.sleep(0.05)

    def close(self) -> None:
        self.tmux("kill-server")


@pytest.fixture
def terminal(command: Command) -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed: apt-get install tmux")
    made = Terminal(command)
    yield made
    made.close()


@pytest.fixture(scope="module")
def gateway(service: Service) -> str:
    client = service.client()
    vpc = client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first, second = (
        client.call("CreateVSwitch", VpcId=vpc, ZoneId=f"cn-hangzhou-{zone}", CidrBlock=f"10.{number}.0.0/24")[
            "VSwitchId"
        ]
        for number, zone in enumerate("kj")
    )
    made: str = client.call(
        "CreateVpnGateway", VpcId=vpc, VSwitchId=first, DisasterRecoveryVSwitchId=second, Bandwidth=10, Name="edge"
    )["VpnGatewayId"]
    service.control("POST", f"/v1/instances/{made}-1", {"action": "carry", "received": 8_000_000, "sent": 80_000})
    return made


def test_it_is_drawn_resized_and_leaves_the_terminal_as_it_was(
    service: Service, command: Command, terminal: Terminal, gateway: str
) -> None:
    terminal.until(lambda lines: "ready>" in lines[0])
    terminal.keys(shlex.join([sys.executable, "-m", "gatewright", "top", "--every", "0.2"]), "Enter")
    # tmux shows frames that are half drawn, too: what is looked at is waited for
    lines = terminal.until(lambda lines: re.search(r" [78]\.\dM", lines[5]) and lines[23].strip())
    assert "1 gateway: 1 active  2 instances: 2 ready" in lines[1]
    assert lines[5].split()[:3] == ["edge", "active", "2/2"]
    assert lines[23].strip() == "q quit   s sort: throughput"
    assert gateway not in lines[5]
    terminal.resize(200, 50)
    lines = terminal.until(lambda lines: gateway in lines[5] and lines[49].strip().startswith("q quit"))
    assert lines[0].endswith("UTC")
    terminal.keys("s")
    terminal.until(lambda lines: "sort: name" in lines[49])
    service.kill()
    terminal.until(lambda lines: lines[1].startswith("No answer, trying again"))
    service.start()
    terminal.until(lambda lines: "1 gateway" in lines[1])
    terminal.resize(80, 24)
    terminal.until(lambda lines: lines[23].strip().startswith("q quit"))
    terminal.keys("C-z")
    terminal.until(lambda lines: "ready>" in "".join(lines) and "sort:" not in "".join(lines))
    terminal.keys("fg", "Enter")
    terminal.until(lambda lines: lines[23].strip().startswith("q quit"))
    terminal.keys("q")
    terminal.until(lambda lines: "ready>" in "".join(lines) and "sort:" not in "".join(lines))
    terminal.keys("stty -a; echo status $?", "Enter")
    assert " icanon" in "".join(terminal.until(lambda lines: "status 0" in "\n".join(lines)))
    assert terminal.tmux("display", "-p", "-t", "t", "#{alternate_on} #{cursor_flag}") == "0 1\n"


def test_without_a_terminal_it_is_printed_once(service: Service, command: Command, gateway: str) -> None:
    ran = command.run("top", "--once", "--every", "0.1", COLUMNS="100")
    assert ran.status == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0].startswith("gatewright top  cn-hangzhou  simulated plane  http://127.0.0.1:")
    assert max(map(len, lines)) <= 100
    assert any(line.split()[:3] == ["edge", "active", "2/2"] for line in lines)
    assert any(gateway in line and "init" in line for line in lines)
    assert lines[-1]
    ran = command.run("top")
    assert (ran.status, ran.out) == (2, "")
    assert "--once" in ran.err
    ran = command.run("top", "--once", GATEWRIGHT_ENDPOINT="http://127.0.0.1:1")
    assert (ran.status, ran.err.count("\n")) == (1, 1)
