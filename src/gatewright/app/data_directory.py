"""The data directory: who may use it, and the installation's id in it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gatewright import ids
from gatewright.errors import ConfigurationError
from gatewright.settings import Settings


class Lock:
    """One process at a time: held until the process ends, however it ends."""

    def __init__(self, path: Path, held_by: str) -> None:
        """Raises ConfigurationError when another process holds the lock."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise ConfigurationError(f"{held_by} runs already in {path.parent}") from None

    def release(self) -> None:
        """Let go before the process ends."""
        os.close(self._descriptor)


def open_data_directory(path: Path) -> None:
    """Make the directory, for its owner alone, unless it is there. Raises ConfigurationError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the data directory {path} cannot be made: {error.strerror}") from error
    if not os.access(path, os.W_OK):
        raise ConfigurationError(f"the data directory {path} cannot be written")


def installation_id(data: Path) -> str:
    """The id that marks all that this installation makes on hosts; made up on first use.

    It belongs to the directory and not to the database: with a new or an old database it is still the same
    installation that finds its earlier items.
    """
    path = data / "installation"
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        pass
    part = path.with_suffix(".part")
    with part.open("w", encoding="ascii") as file:
        file.write(ids.installation_id() + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return path.read_text("ascii").strip()


def find_installation_id(settings: Settings) -> str | None:
    """The id of the data directory's installation; None if there is none yet."""
    for folder in (settings.agent_folder, settings.data):
        path = folder / "installation"
        if path.exists():
            return path.read_text("ascii").strip()
    return None
