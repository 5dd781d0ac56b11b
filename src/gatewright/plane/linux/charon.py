"""The charon of a tunnel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from gatewright.isolation.view import Device
from gatewright.plane.linux import charon_config, esp
from gatewright.plane.linux.daemon import Daemon, Program
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.tunnels.steering import UPLINK
from gatewright.plane.linux.vici_client import ViciClient

EXECUTABLE = "/usr/sbin/charon-systemd"
CONFIG_VARIABLE = "STRONGSWAN_CONF"
CONFIG = "strongswan.conf"
OWN = "charon"
#: It talks to the kernel of routes and policies, and listens on UDP port 500; it drops the latter by itself.
CAPABILITIES = ("net_admin", "net_bind_service")


def socket_of(folder: Folder) -> Path:
    """Where the charon of the tunnel with a folder answers VICI."""
    return folder.path / OWN / "vici"


class Charon(Daemon):
    """The charon of one tunnel. Everything here raises PlaneError."""

    def __init__(self, folder: Folder, namespace: str, user: int) -> None:
        """``user`` is the number that it runs as."""
        program = Program(
            name=OWN,
            executable=EXECUTABLE,
            package="charon-systemd",
            variable=CONFIG_VARIABLE,
            config=CONFIG,
            socket="vici",
            log="charon.log",
            capabilities=CAPABILITIES,
        )
        super().__init__(program, folder, namespace, user)
        #: Called before what an earlier one may have left in the kernel is removed.
        self.before_flush: Callable[[], None] | None = None

    def begin(self, *, new_namespace: bool) -> Process:
        """A charon that lives and has the right configuration; it need not answer yet: see :meth:`finish`."""
        text = charon_config.render(esp.backend(), UPLINK, self._socket, self._log)
        return self._begin(text.encode(), new_namespace=new_namespace)

    def _command(self) -> Sequence[str]:
        return [self._program.executable]

    def _devices(self) -> tuple[Device, ...]:
        return esp.backend().devices

    def _before_start(self, *, flush: bool) -> None:
        if flush:
            if self.before_flush is not None:
                self.before_flush()
            esp.flush()

    def _answer(self, seconds: float) -> int:
        with ViciClient(self._socket, seconds) as client:
            client.version()
            return client.peer
