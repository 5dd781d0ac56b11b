"""The bare floor under a dual-tunnel gateway: two namespaces with a charon each, made by hand and nothing besides."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

from bench.processes import end

CHARON = Path("/usr/sbin/charon-systemd")
_PATIENCE = 10.0
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


class Floor:
    """Two namespaces and two daemons, as often as wanted. Needs root."""

    def __init__(self, folder: Path) -> None:
        """Sockets and configuration go into ``folder``, whose path must be short."""
        self._names = [f"bench-{os.getpid()}-{half}" for half in (1, 2)]
        self._sockets = [folder / f"{half}.vici" for half in (1, 2)]
        self._configs = [folder / f"{half}.conf" for half in (1, 2)]
        for config, path in zip(self._configs, self._sockets, strict=True):
            config.write_text(_CONFIG.format(socket=path), "ascii")

    def once(self) -> tuple[float, float]:
        """Build it and take it down. Returns the seconds of both."""
        daemons: list[subprocess.Popen[bytes]] = []
        try:
            begun = time.perf_counter()
            for name in self._names:
                _ip("netns", "add", name)
                _ip("-n", name, "link", "set", "lo", "up")
            for name, config in zip(self._names, self._configs, strict=True):
                daemons.append(_charon(name, config))
            for path, daemon in zip(self._sockets, daemons, strict=True):
                _await_vici(path, daemon)
            built = time.perf_counter() - begun
        finally:
            begun = time.perf_counter()
            for daemon in daemons:
                daemon.terminate()
            for daemon in daemons:
                end(daemon)
            for name in self._names:
                subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
            for path in self._sockets:
                path.unlink(missing_ok=True)
            removed = time.perf_counter() - begun
        return built, removed


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], capture_output=True, check=True)


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
