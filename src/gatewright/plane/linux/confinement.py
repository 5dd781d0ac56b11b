"""The least that a daemon needs: whom it runs as, which capabilities, what it sees of the host's files and may write.

A daemon is started by setpriv(1), which drops what has to be dropped after the fork and before the daemon's own code
runs, in a mount namespace that the starting thread makes (half a millisecond, measured) and leaves again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatewright.isolation import users, view
from gatewright.isolation.view import Device, User
from gatewright.plane.contract import PlaneError
from gatewright.plane.linux.failures import step

#: The lane of :mod:`gatewright.isolation.users` for daemons; the API has the other.
_LANE = 1


@dataclass(frozen=True)
class Confinement:
    """What one daemon may do. It can get no new privileges, and has no group but its own."""

    #: The number of its user and of its group.
    user: int
    #: Capabilities in setpriv's spelling, such as ``net_admin``; all others are gone for good.
    capabilities: tuple[str, ...]
    #: The folder of its item: all that it sees of the installation's files.
    readable: Path
    #: The one folder that it may write, in the readable one, and its own.
    writable: Path
    #: Devices that it opens and that its user could not.
    devices: tuple[Device, ...] = ()

    def command(self, command: Sequence[str]) -> list[str]:
        """The command line that starts a daemon so."""
        capabilities = ",".join(("-all", *(f"+{name}" for name in self.capabilities)))
        return [
            "setpriv",
            f"--reuid={self.user}",
            f"--regid={self.user}",
            "--clear-groups",
            f"--inh-caps={capabilities}",
            f"--ambient-caps={capabilities}",
            f"--bounding-set={capabilities}",
            "--no-new-privs",
            "--",
            *command,
        ]

    @contextmanager
    def view(self) -> Iterator[None]:
        """What the calling thread starts in the block sees the files so. Raises PlaneError."""
        with step(f"making the view of files for a daemon of {self.readable}"):
            living = view.lived_in([self.readable], [self.writable], User(self.user, self.user), self.devices)
            with living:
                yield


def daemon_user(installation: str) -> int:
    """The number that an installation's daemons run as, the same on every host of it. Raises PlaneError."""
    try:
        return users.without_account(f"daemons of {installation}", _LANE).uid
    except LookupError as error:
        raise PlaneError(f"there is no user that daemons could run as: {error}") from error
