"""Trying what the plane is made of, each thing in a network namespace that is thrown away."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gatewright.isolation import users
from gatewright.plane.contract import PlaneError
from gatewright.plane.findings import Finding, State
from gatewright.plane.linux import charon_config, esp, netns
from gatewright.plane.linux.charon import CAPABILITIES, CONFIG_VARIABLE, EXECUTABLE
from gatewright.plane.linux.confinement import Confinement
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.vici_client import ViciClient

_SECONDS = 10
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_OPEN_TREE, _MOUNT_SETATTR = 428, 442
_AT_FDCWD, _AT_EMPTY_PATH, _MOUNT_ATTR_RDONLY = -100, 0x1000, 1
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC


class Refused(Exception):
    """A trial failed. The text is what the system said."""


class ToolMissing(Refused):
    """There is nothing to try it with."""


class Trial(NamedTuple):
    """One thing to try. ``act`` raises Refused, OSError or PlaneError."""

    area: str
    name: str
    purpose: str
    #: Kernel modules that have it, and the kernel's options for a kernel without modules.
    modules: str
    options: str
    act: Callable[[], object]
    #: Whether this version needs it for its purpose; nobody is told to get what it does not.
    used: bool = True


def _tool(program: str, *batches: tuple[str, str]) -> Callable[[], None]:
    """Feeds commands to a tool; a batch is ``(arguments, commands)``."""

    def act() -> None:
        for arguments, commands in batches:
            name, *further = arguments.split()
            path = shutil.which(name)
            if path is None:
                raise ToolMissing(f"{name} is not installed, so that it cannot be tried")
            done = subprocess.run(
                [path, *further], input=commands, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
            if done.returncode != 0:
                said = (done.stderr or done.stdout).strip().splitlines()
                raise Refused(
                    next((line for line in said if line.startswith(("Error", "RTNETLINK"))), *said[-1:]) or program
                )

    return act


_LINKS = "link add one type veth peer name two\nlink set one up\n"
_IP, _TC = "ip -batch -", "tc -batch -"

TRIALS = (
    Trial(
        "Kernel",
        "veth and bridge",
        "legs and vSwitches",
        "veth bridge",
        "VETH BRIDGE",
        _tool("ip", (_IP, _LINKS + "link add net type bridge\nlink set one master net\n")),
    ),
    Trial(
        "Kernel",
        "vxlan",
        "vSwitches that span hosts",
        "vxlan",
        "VXLAN",
        _tool("ip", (_IP, "link add far type vxlan id 1 dstport 4789\n")),
    ),
    Trial("Kernel", "tun", "ESP in user space, and SSL-VPN", "tun", "TUN", lambda: _make_tun()),
    Trial(
        "Kernel",
        "mount_setattr",
        "daemons that see the host's files read-only",
        "",
        "Linux 5.12",
        lambda: _make_read_only(),
    ),
    Trial(
        "Bandwidth (tc)",
        "tbf",
        "ordered bandwidth",
        "sch_tbf",
        "NET_SCH_TBF",
        _tool("tc", (_IP, _LINKS), (_TC, "qdisc add dev one root tbf rate 10mbit burst 32k latency 50ms\n")),
    ),
    Trial(
        "Bandwidth (tc)",
        "htb, pfifo and u32",
        "the bandwidth of what tunnels carry alone",
        "sch_htb cls_u32",
        "NET_SCH_HTB NET_SCH_FIFO NET_CLS_U32",
        _tool(
            "tc",
            (_IP, _LINKS),
            (
                _TC,
                "qdisc add dev one handle 1: root htb\n"
                "class add dev one parent 1: classid 1:1 htb rate 10mbit\n"
                "qdisc add dev one parent 1:1 handle 2: pfifo limit 10\n"
                "filter add dev one parent 1: protocol ip u32 match ip protocol 50 0xff flowid 1:1\n",
            ),
        ),
    ),
    Trial(
        "Bandwidth (tc)",
        "ifb",
        "",
        "ifb",
        "IFB",
        _tool("ip", (_IP, "link add in type ifb\nlink set in up\n")),
        used=False,
    ),
    Trial(
        "Bandwidth (tc)",
        "ingress and mirred",
        "",
        "sch_ingress act_mirred",
        "NET_SCH_INGRESS NET_ACT_MIRRED",
        _tool(
            "tc",
            (_IP, _LINKS + "link add to type bridge\n"),
            (
                _TC,
                "qdisc add dev one handle ffff: ingress\n"
                "filter add dev one parent ffff: protocol all u32 match u32 0 0 action mirred egress redirect dev to\n",
            ),
        ),
        used=False,
    ),
    Trial(
        "Packet filters (nft)",
        "inet",
        "what may come in",
        "nf_tables nf_conntrack",
        "NF_TABLES_INET NF_CONNTRACK",
        _tool(
            "nft",
            (
                "nft -f -",
                "table inet t { chain c { type filter hook input priority 0; ct state established accept; }; }",
            ),
        ),
    ),
    Trial(
        "Packet filters (nft)",
        "log and payload",
        "the ways to tunnels' daemons, segments that fit, tunnels that wait for traffic",
        "nft_log nfnetlink_log",
        "NETFILTER_NETLINK_LOG",
        _tool(
            "nft",
            (
                "nft -f -",
                "table inet t { chain c { type filter hook forward priority 0; tcp option maxseg size set 1360; "
                "ip daddr set ip saddr map { 192.0.2.1 : 192.0.2.2 }; log group 1; }; }",
            ),
        ),
    ),
    Trial(
        "Packet filters (nft)",
        "netdev",
        "anti-spoofing",
        "nf_tables",
        "NF_TABLES_NETDEV NETFILTER_INGRESS",
        _tool(
            "nft",
            (_IP, _LINKS),
            ("nft -f -", 'table netdev t { chain c { type filter hook ingress device "one" priority 0; }; }'),
        ),
    ),
    Trial(
        "Packet filters (nft)",
        "bridge",
        "",
        "nf_tables",
        "NF_TABLES_BRIDGE",
        _tool("nft", ("nft -f -", "table bridge t { chain c { type filter hook forward priority 0; }; }")),
        used=False,
    ),
)


def run(trial: Trial) -> Finding:
    """Try one thing. Blocks; in a thread that runs no event loop."""
    try:
        with step("making a network namespace"), netns.temporary():
            trial.act()
    except (Refused, PlaneError, OSError, subprocess.TimeoutExpired) as error:
        if isinstance(error, ToolMissing):
            return Finding(area=trial.area, name=trial.name, state=State.UNSEEN, found=str(error))
        if not trial.used:
            found = f"{error}; not used by this version"
            return Finding(area=trial.area, name=trial.name, state=State.INFORMATION, found=found)
        advice = f"for {trial.purpose}: {_how_to_get(trial)}"
        return Finding(area=trial.area, name=trial.name, state=State.MISSING, found=str(error), advice=advice)
    found = f"for {trial.purpose}" if trial.used else "works; not used by this version"
    return Finding(area=trial.area, name=trial.name, state=State.OK, found=found)


def _how_to_get(trial: Trial) -> str:
    if not trial.modules:
        return f"needs {trial.options}"
    return (
        f"modprobe -a {trial.modules}"
        if loadable()
        else (
            f"this kernel loads no modules: use one with {' '.join('CONFIG_' + each for each in trial.options.split())}"
        )
    )


def loadable() -> bool:
    """Whether there are modules for the kernel that runs."""
    return Path(f"/lib/modules/{os.uname().release}").is_dir()


def charon_starts() -> str:
    """What a charon that was started and ended for it calls itself. Raises PlaneError.

    Asking it by ``--version`` will not do: charon-systemd takes no arguments and starts to serve.
    """
    with step("trying charon"), tempfile.TemporaryDirectory(prefix="gw-doctor-", dir="/tmp") as folder:
        path = Path(folder)
        path.chmod(0o755)
        # as a gateway's is, so that what keeps that from starting is seen here
        own = path / "own"
        own.mkdir(mode=0o700)
        os.chown(own, users.LAST, users.LAST)
        confinement = Confinement(users.LAST, CAPABILITIES, path, own, esp.backend().devices)
        text = charon_config.render(esp.backend(), "lo", own / "vici", own / "log")
        (path / "strongswan.conf").write_text(text)
        (path / "strongswan.conf").chmod(0o644)
        with netns.temporary(), confinement.view():
            process = subprocess.Popen(
                confinement.command([EXECUTABLE]),
                env={CONFIG_VARIABLE: str(path / "strongswan.conf"), "PATH": "/usr/sbin:/usr/bin"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            for wait in _waits():
                with suppress(OSError), ViciClient(own / "vici", _SECONDS) as client:
                    return client.version()
                if process.poll() is not None:
                    raise PlaneError(f"charon ended with status {process.returncode}: {_log_end(own / 'log')}")
                time.sleep(wait)
            raise PlaneError(f"charon does not answer: {_log_end(own / 'log')}")
        finally:
            process.terminate()
            try:
                process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _waits() -> Iterator[float]:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        yield 0.01


def _log_end(path: Path) -> str:
    return path.read_text(errors="replace").strip().rpartition("\n")[2] if path.exists() else "and wrote no log"


def _make_tun() -> None:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"trial", _IFF_TUN | _IFF_NO_PI))
    finally:
        os.close(device)


def _make_read_only() -> None:
    """Set a copy of the root mount read-only that is attached nowhere."""
    libc = ctypes.CDLL(None, use_errno=True)
    copy = libc.syscall(_OPEN_TREE, _AT_FDCWD, b"/", _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC)
    if copy < 0:
        raise Refused(f"open_tree: {os.strerror(ctypes.get_errno())}")
    try:
        attributes = struct.pack("4Q", _MOUNT_ATTR_RDONLY, 0, 0, 0)
        if libc.syscall(_MOUNT_SETATTR, copy, b"", _AT_EMPTY_PATH, attributes, len(attributes)) != 0:
            raise Refused(f"mount_setattr: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(copy)
