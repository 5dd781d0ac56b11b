"""Where a page's commands run: a folder of this machine, or machines of namespaces."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from tests.docs.shell import Shell
from tests.hosts.machines import Machine

ROOT = Path(__file__).parents[2]
_LOCAL = re.compile(r"(127\.0\.0\.1:|localhost:)(\d+)")
_API = "8080"
#: What a copy to another machine is on machines that share their files.
_SCP = """#!/bin/sh
for to in "$@"; do :; done
here=$(cd "$(dirname "$0")/../../.." && pwd)
case $to in %s *) exit 1 ;; esac
while [ $# -gt 1 ]; do cp "$1" "$here/$name/${to#*:}" || exit 1; shift; done
"""


class Ports:
    """Gives each port of this machine that a page names a free one, so that pages run side by side."""

    def __init__(self) -> None:
        self._free: dict[str, str] = {}

    def put_in(self, text: str) -> str:
        """A text of the page with the free ports in it."""
        return _LOCAL.sub(lambda found: found[1] + self.free(found[2]), text)

    def take_out(self, text: str) -> str:
        """What was printed, with the page's ports in it."""
        shown = {free: named for named, free in self._free.items()}
        return _LOCAL.sub(lambda found: found[1] + shown.get(found[2], found[2]), text)

    def free(self, named: str) -> str:
        """The free port for one that the page names."""
        if named not in self._free:
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", 0))
                self._free[named] = str(listener.getsockname()[1])
        return self._free[named]


class Here:
    """This machine, as whoever runs the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = Ports()
        # Where a service would otherwise keep its state and listen: what everybody takes.
        listen = f"127.0.0.1:{self._ports.free(_API)}"
        more = {"GATEWRIGHT_DATA": str(folder / "data"), "GATEWRIGHT_LISTEN": listen, "LISTEN": listen}
        self.shell = Shell(folder, _environment(folder) | more)

    def put_in(self, text: str) -> str:
        """What is run for a text of the page."""
        return self._ports.put_in(text)

    def take_out(self, text: str) -> str:
        """What the page would show of what was printed."""
        return self._ports.take_out(text)

    def close(self) -> None:
        self.shell.close()


class Elsewhere(Here):
    """A machine of namespaces, whose ports are its own."""

    def __init__(self, name: str, number: int, names: list[str], folder: Path) -> None:
        self.folder = folder / name
        self.machine = Machine(number, self.folder)
        environment = _environment(self.folder)
        hosts = " ".join(f"*192.0.2.{other}:*) name={each} ;;" for other, each in enumerate(names, 1))
        scp = self.folder / ".venv" / "bin" / "scp"
        scp.write_text(_SCP % hosts)
        scp.chmod(0o755)
        self.shell = Shell(self.folder, environment, self.machine.within())

    def put_in(self, text: str) -> str:
        return text

    def take_out(self, text: str) -> str:
        return text

    def close(self) -> None:
        self.machine.close()
        self.shell.close()


def elsewhere(names: list[str], folder: Path) -> dict[str, Here]:
    """Machines on one wire, 192.0.2.1 and so on, in this order."""
    made: dict[str, Here] = {}
    pids: list[int] = []
    for number, name in enumerate(names, 1):
        place = Elsewhere(name, number, names, folder)
        made[name] = place
        pids.append(place.machine.pid)
        if number == 1:
            _ip(pids[0], "link", "add", "eth0", "type", "bridge")
        else:
            peer = ("peer", "name", "eth0", "netns", str(pids[-1]))
            _ip(pids[0], "link", "add", f"to-{number}", "type", "veth", *peer)
            _ip(pids[0], "link", "set", f"to-{number}", "master", "eth0", "up")
        _ip(pids[-1], "address", "add", f"192.0.2.{number}/24", "dev", "eth0")
        _ip(pids[-1], "link", "set", "eth0", "up")
    return made


def _ip(pid: int, *arguments: str) -> None:
    # Not in its namespace of processes: numbers of processes are those out here.
    subprocess.run(["nsenter", "--target", str(pid), "--net", "ip", *arguments], check=True, timeout=30)


def _environment(folder: Path) -> dict[str, str]:
    """The environment of a page's shell; as far as its commands see it, the folder is a clone that was set up."""
    (folder / "requirements").symlink_to(ROOT / "requirements")
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    make = f"exec /usr/bin/make --no-print-directory -f {ROOT}/Makefile -o setup BIN={programs}"
    for name, line in (
        # Its folder is not where code is, as with an installed one.
        ("gatewright", f"exec {sys.executable} -P -m gatewright"),
        ("python", f"exec {sys.executable}"),
        ("python3", f"exec {sys.executable}"),
        ("pytest", f"exec {sys.executable} -m pytest"),
        ("make", make),
    ):
        (programs / name).write_text(f'#!/bin/sh\n{line} "$@"\n')
        (programs / name).chmod(0o755)
    unsaid = "GATEWRIGHT_|ALIBABA|ALICLOUD|XDG_|PYTHON|PYTEST_"
    return {
        **{name: value for name, value in os.environ.items() if not re.match(unsaid, name)},
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        # An installed gatewright's entry point would load the installed one.
        "PYTEST_ADDOPTS": "-p no:gatewright -p gatewright.testing.plugin -p no:cacheprovider",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "COLUMNS": "100",
    }
