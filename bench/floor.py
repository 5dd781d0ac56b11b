"""The bare floor under dual-tunnel gateways: the same namespaces, links, addresses and daemons, made by hand.

With the fewest calls there are: one `ip` for all links of an instance, one for its inside. Nothing is looked at first,
nothing is proved to be ours, and nobody waits for packets to pass.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.processes import end

CHARON = Path("/usr/sbin/charon-systemd")
_PATIENCE = 30.0
_WORKERS = 8
_CONFIG = """\
charon-systemd {{
    load_modular = no
    load = random nonce openssl pem pkcs1 x509 pubkey constraints revocation gcm aes sha2 hmac kdf kernel-libipsec \
kernel-netlink socket-default vici updown counters
    threads = 16
    install_routes = no
    routing_table = 220
    routing_table_prio = 40000
    plugins {{
        vici {{
            socket = unix://{socket}
        }}
    }}
    journal {{
        default = -1
    }}
}}
"""


@dataclass
class _Half:
    """One instance made by hand: a namespace, two veths into bridges of the host, a charon."""

    name: str
    folder: Path
    vswitch: str
    uplink: str
    daemon: subprocess.Popen[bytes] | None = None

    @property
    def links(self) -> tuple[str, str]:
        return f"{self.name}l", f"{self.name}w"

    @property
    def socket(self) -> Path:
        return self.folder / f"{self.name}.vici"

    def build(self) -> None:
        lan, wan = self.links
        config = self.folder / f"{self.name}.conf"
        config.write_text(_CONFIG.format(socket=self.socket), "ascii")
        _ip("netns", "add", self.name)
        _batch(
            f"link add {lan} up master {self.vswitch} type veth peer name lan netns {self.name}",
            f"link add {wan} up master {self.uplink} type veth peer name wan netns {self.name}",
        )
        self.daemon = _charon(self.name, config)
        _batch(
            "link set dev lo up",
            "address add 10.0.0.5/24 dev lan",
            "address add 198.51.100.5/24 dev wan",
            "link set dev lan up",
            "link set dev wan up",
            namespace=self.name,
        )

    def answers(self) -> None:
        if self.daemon is not None:
            _await_vici(self.socket, self.daemon)

    def remove(self) -> None:
        """The daemon has been told to end."""
        if self.daemon is not None:
            end(self.daemon)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)
        self.socket.unlink(missing_ok=True)

    def await_vanished(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while any(Path(f"/sys/class/net/{link}").exists() for link in self.links):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the links of {self.name} do not vanish")
            time.sleep(0.001)


class Floor:
    """Gateways made by hand, as often as wanted. Needs root. Use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Sockets and configuration go into ``folder``, whose path must be short."""
        self._folder = folder
        self._stem = f"fl{os.getpid()}"
        self._bridges = [f"{self._stem}{letter}" for letter in "abu"]

    def __enter__(self) -> Floor:
        """The two vSwitches and the uplink are there before, as with ours."""
        _batch(*(f"link add {name} up type bridge" for name in self._bridges))
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._bridges:
            subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)

    def once(self, gateways: int = 1) -> tuple[float, float]:
        """Build so many gateways at once, and take them down. Returns the seconds of both."""
        *vswitches, uplink = self._bridges
        halves = [
            _Half(f"{self._stem}-{number}-{index}", self._folder, vswitch, uplink)
            for number in range(gateways)
            for index, vswitch in enumerate(vswitches)
        ]
        with ThreadPoolExecutor(_WORKERS) as pool:
            try:
                begun = time.perf_counter()
                list(pool.map(_Half.build, halves))
                list(pool.map(_Half.answers, halves))
                built = time.perf_counter() - begun
            finally:
                removed = self._remove(halves, pool)
        return built, removed

    def _remove(self, halves: Sequence[_Half], pool: ThreadPoolExecutor) -> float:
        begun = time.perf_counter()
        for half in halves:
            if half.daemon is not None:
                half.daemon.terminate()
        list(pool.map(_Half.remove, halves))
        list(pool.map(_Half.await_vanished, halves))
        return time.perf_counter() - begun


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], capture_output=True, check=True)


def _batch(*commands: str, namespace: str | None = None) -> None:
    where = [] if namespace is None else ["-n", namespace]
    subprocess.run(["ip", *where, "-batch", "-"], input="\n".join((*commands, "")).encode(), check=True)


def _charon(namespace: str, config: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{namespace}", str(CHARON)],
        env={**os.environ, "STRONGSWAN_CONF": str(config)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _await_vici(path: Path, daemon: subprocess.Popen[bytes]) -> None:
    """Until the daemon answers a command, not only opens its socket."""
    import vici

    deadline = time.monotonic() + _PATIENCE
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
            vici.Session(connection).version()
        except (FileNotFoundError, ConnectionRefusedError):
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"charon-systemd did not answer at {path}") from None
            time.sleep(0.001)
        else:
            return
        finally:
            connection.close()
