"""Machines made of namespaces: network, mounts and processes of their own, on one wire between them.

All of a machine ends with the process that holds it, whatever state it is in.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from tests.support.client import Client

UNDERLAY = "10.200.0."
LINK_PORT = 9443
API_PORT = 8080
PATIENCE = 60.0
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Poll, for so many seconds at the most."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
    return {
        **clean,
        "GATEWRIGHT_ACCOUNT_ID": "1234567890123456",
        "GATEWRIGHT_ACCESS_KEY_ID": "test",
        "GATEWRIGHT_ACCESS_KEY_SECRET": "secret",
    }


class Machine:
    """One machine."""

    def __init__(self, number: int, folder: Path) -> None:
        self.address = f"{UNDERLAY}{number}"
        self.folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        script = "mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up && echo up && exec sleep 1200"
        self._holder = subprocess.Popen(
            [*["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"], script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"up\n"
        (self.pid,) = children(self._holder.pid)
        self._programs: dict[str, subprocess.Popen[bytes]] = {}

    def within(self, *command: str) -> list[str]:
        """The command line of something that runs on the machine."""
        return ["nsenter", "--target", str(self.pid), "--net", "--mount", "--pid", "--", *command]

    def run(self, *command: str, check: bool = True) -> str:
        return subprocess.run(self.within(*command), check=check, capture_output=True, text=True, timeout=30).stdout

    def start(self, name: str, *arguments: str) -> None:
        """Start a `gatewright` on the machine; what it says goes to a file."""
        with (self.folder / f"{name}.output").open("ab") as output:
            self._programs[name] = subprocess.Popen(
                self.within(sys.executable, "-m", "gatewright", *arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(),
            )

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.output").read_text(errors="replace")

    def alive(self, name: str) -> bool:
        return self._programs[name].poll() is None

    def kill(self, name: str) -> None:
        """SIGKILL the program itself, which is nsenter's child."""
        program = self._programs.pop(name)
        (pid,) = children(program.pid)
        os.kill(pid, signal.SIGKILL)
        program.wait(timeout=10)

    def namespaces(self) -> set[str]:
        """The ids of the instances that have a namespace here."""
        names = [line.split()[0] for line in self.run("ip", "netns", "list").splitlines()]
        of_items = {name.split("-", 2)[2] for name in names if name.startswith("gw-")}
        return {name for name in of_items if not name.startswith(("router.", "tunnel."))}

    def inside(self, instance: str, *command: str) -> str:
        name = next(line.split()[0] for line in self.run("ip", "netns", "list").splitlines() if f"-{instance}" in line)
        return self.run("ip", "netns", "exec", name, *command)

    def processes(self, instance: str) -> list[str]:
        """Those of the instance and of its tunnels."""
        names = [line.split()[0] for line in self.run("ip", "netns", "list").splitlines()]
        ours = [name for name in names if name.endswith((f"-{instance}", f".{instance}"))]
        return sorted(pid for name in ours for pid in self.run("ip", "netns", "pids", name).split())

    def aliases(self) -> dict[str, str]:
        """What the links here are, by alias without installation; the links' names."""
        found: dict[str, str] = {}
        for line in self.run("ip", "-o", "link", "show").splitlines():
            if "alias gatewright:" in line:
                name = line.split()[1].rstrip(":").partition("@")[0]
                found[line.partition("alias gatewright:")[2].split()[0].partition(":")[2]] = name
        return found

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait(timeout=10)
        for program in self._programs.values():
            program.wait(timeout=10)
        if self._holder.stdout is not None:
            self._holder.stdout.close()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Within the context sockets that this thread opens are the machine's."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        try:
            assert _libc.setns(there, _CLONE_NEWNET) == 0
            yield
        finally:
            assert _libc.setns(home, _CLONE_NEWNET) == 0
            os.close(there)
            os.close(home)


class Site:
    """A control plane's machine, and hosts on the wire that leads to it."""

    def __init__(self) -> None:
        # Sockets' paths have to be short.
        self.folder = Path(tempfile.mkdtemp(prefix="gwh-", dir="/tmp"))
        self.data = self.folder / "data"
        self.machines: dict[str, Machine] = {}
        self.control = self._machine("control", 1)
        self._net(self.control, "link", "add", "wire", "type", "bridge")
        self._net(self.control, "link", "set", "wire", "up")
        self._net(self.control, "address", "add", f"{self.control.address}/24", "dev", "wire")

    def _machine(self, name: str, number: int) -> Machine:
        self.machines[name] = Machine(number, self.folder / name)
        return self.machines[name]

    def _net(self, machine: Machine, *arguments: str) -> None:
        # Not in its namespace of processes: numbers of processes are those out here.
        command = ["nsenter", "--target", str(machine.pid), "--net", "ip", *arguments]
        subprocess.run(command, check=True, timeout=30)

    def serve(self) -> None:
        arguments = ("--data", str(self.data), "--plane", "linux", "--listen", f"127.0.0.1:{API_PORT}")
        link = ("--link-listen", f"{self.control.address}:{LINK_PORT}", "--underlay", self.control.address)
        self.control.start("serve", "serve", *arguments, *link)
        until(lambda: "endpoint" in self.control.said("serve") or not self.control.alive("serve"), "the service")
        assert self.control.alive("serve"), self.control.said("serve")

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        with self.control.entered():
            client = Client(API_PORT)
            try:
                yield client
            finally:
                client.close()

    def hosts(self, *arguments: str, status: int = 0) -> str:
        """`gatewright hosts`, on the service's data while it runs."""
        done = subprocess.run(
            [sys.executable, "-m", "gatewright", "hosts", *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(),
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done.stderr if status else done.stdout

    def add(self, name: str, zone: str, number: int) -> Machine:
        """A machine on the wire, added as a host, with its agent."""
        machine = self._wired(name, number)
        self.hosts("add", name, "--zone", zone, "--address", machine.address, "--out", str(machine.folder))
        self.start_agent(name)
        return machine

    def revive(self, name: str) -> Machine:
        """The machine again that was closed, as after its power was out: it has its files, and its agent is started."""
        number = int(self.machines[name].address.removeprefix(UNDERLAY))
        # its end of the cable goes with what is left of its namespace, which the kernel takes apart when it has time
        until(
            lambda: f" to-{name}@" not in self.control.run("ip", "-o", "link", "show"), "the old machine's cable to go"
        )
        machine = self._wired(name, number)
        self.start_agent(name)
        return machine

    def cable(self, machine: Machine, name: str, bridge: str, far: str) -> None:
        """A cable from a bridge of the control plane's machine to a bridge of another one."""
        end = f"far-{name}"[:15]
        port = ("link", "add", f"{bridge}-{name}"[:15], "master", bridge, "up", "type", "veth", "peer", "name", end)
        self._net(self.control, *port, "netns", str(machine.pid))
        self._net(machine, "link", "set", end, "master", far, "up")

    def _wired(self, name: str, number: int) -> Machine:
        machine = self._machine(name, number)
        port = ("link", "add", f"to-{name}", "type", "veth", "peer", "name", "wire", "netns", str(machine.pid))
        self._net(self.control, *port)
        self._net(self.control, "link", "set", f"to-{name}", "master", "wire", "up")
        self._net(machine, "address", "add", f"{machine.address}/24", "dev", "wire")
        self._net(machine, "link", "set", "wire", "up")
        return machine

    def start_agent(self, name: str) -> None:
        machine = self.machines[name]
        ca, certificate, key = (str(machine.folder / file) for file in ("ca.crt", f"{name}.crt", f"{name}.key"))
        machine.start(
            "agent",
            *("agent", "--control-plane", f"https://{self.control.address}:{LINK_PORT}"),
            *("--ca", ca, "--cert", certificate, "--key", key, "--data", str(machine.folder / "data")),
        )

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for name, machine in self.machines.items():
                for output in machine.folder.glob("*.output"):
                    print(f"--- {name}: {output.name}\n{output.read_text(errors='replace')[-6000:]}")
        for machine in self.machines.values():
            machine.close()
        shutil.rmtree(self.folder)
