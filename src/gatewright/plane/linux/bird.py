"""The BIRD of an instance, or of a VPC's router: what decides where packets for customers go, and tells others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import bird_config, netns, processes
from gatewright.plane.linux.bird_client import BirdClient
from gatewright.plane.linux.daemon import Daemon, Program
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.processes import Process, Seen
from gatewright.plane.linux.routing import RoutingRtnl

EXECUTABLE = "/usr/sbin/bird"
CONFIG_VARIABLE = "GATEWRIGHT_BIRD"
CONFIG = "bird.conf"
OWN = "bird"
#: It sets routes and what its packets' priority is, and listens on TCP port 179.
CAPABILITIES = ("net_admin", "net_bind_service")

#: How long it may take to answer when it is known to run, in seconds.
PATIENCE = 5.0


def socket_of(folder: Folder) -> Path:
    """Where the BIRD of an item answers."""
    return folder.path / OWN / "control"


class Bird(Daemon):
    """The BIRD of one item. Everything here raises PlaneError.

    A running one takes another configuration in place: sessions and routes that are in both are not disturbed.
    """

    _reconfigures = True

    def __init__(self, folder: Folder, namespace: str, user: int) -> None:
        """``user`` is the number that it runs as."""
        program = Program(
            name=OWN,
            executable=EXECUTABLE,
            package="bird2",
            variable=CONFIG_VARIABLE,
            config=CONFIG,
            socket="control",
            log="bird.log",
            capabilities=CAPABILITIES,
        )
        super().__init__(program, folder, namespace, user)
        self._wanted = b""
        self._recovers = False

    @property
    def log(self) -> Path:
        return self._log

    def begin(self, configuration: bytes, *, new_namespace: bool) -> Process:
        """A BIRD that lives; it need not answer yet, nor have taken the configuration: see :meth:`finish`."""
        self._wanted = configuration
        # one that follows another lets the routes stand that it finds, until its sessions have told what holds
        self._recovers = self._config.exists() and not new_namespace
        return self._begin(configuration, new_namespace=new_namespace)

    def finish(self, process: Process) -> Process:
        """As of any daemon; and have it take its configuration."""
        process = super().finish(process)
        wanted = bird_config.digest(self._wanted)
        try:
            with BirdClient(self._socket, PATIENCE) as client:
                # asked, and not concluded from the file: whoever wrote that may have been killed before it was read
                if client.configuration() != wanted:
                    client.configure()
        except OSError as error:
            raise PlaneError(f"giving BIRD in {self._namespace} its configuration: {error}") from error
        return process

    def end(self, seen: Seen | None = None) -> None:
        """As of any daemon; and no route of it is left, which one that was killed leaves."""
        super().end(seen)
        with step(f"looking up network namespace {self._namespace}"):
            if netns.identity(self._namespace) is None:
                return
        with step(f"entering network namespace {self._namespace}"), netns.entered(self._namespace):
            inside = RoutingRtnl()
        with inside:
            inside.drop_routes_of_bird()

    def _write(self, config: bytes) -> None:
        # it may hold keys, and is for the daemon alone
        self._folder.write(CONFIG, config, 0o640, self._user)

    def _command(self) -> Sequence[str]:
        recovering = ("-R",) if self._recovers else ()
        return [self._program.executable, "-f", "-c", str(self._config), "-s", str(self._socket), *recovering]

    def _environment(self) -> dict[str, str]:
        return {"TZ": "UTC"}

    def _before_start(self, *, flush: bool) -> None:
        """Routes that another one left are its own, which it knows by their protocol's number."""

    def _answer(self, seconds: float) -> int:
        with BirdClient(self._socket, seconds) as client:
            return client.peer


def fault(folder: Folder, namespace: str) -> str | None:
    """What is wrong with the BIRD that an item should have, for people. Changes nothing. Raises PlaneError."""
    path = socket_of(folder)
    try:
        with BirdClient(path, PATIENCE) as client:
            pid, configuration = client.peer, client.configuration()
    except OSError as error:
        return f"bird does not answer at {path}: {error.strerror or error}"
    with step(f"looking where bird runs, process {pid}"):
        if processes.namespace_of(pid) != netns.identity(namespace):
            return f"bird, process {pid}, is not in {namespace}"
    with step(f"reading {folder.path / CONFIG}"):
        try:
            wanted = bird_config.digest((folder.path / CONFIG).read_bytes())
        except (FileNotFoundError, ValueError):
            return f"{folder.path / CONFIG} is gone or was changed"
    return None if configuration == wanted else "bird has another configuration than it should"
