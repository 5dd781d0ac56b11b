"""The data directory: who may use it, and the installation's id in it."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import time
from pathlib import Path

from gatewright import ids
from gatewright.errors import ConfigurationError
from gatewright.isolation.view import User
from gatewright.settings import Settings
from gatewright.state_files import replace_file, told

_INSTALLATION = re.compile(rb"[0-9a-z]{8}")

#: What a data directory had in it before it had a folder for each half.
_OLDER = ("gatewright.db", "secret.key", "installation")

_log = logging.getLogger(__name__)
_POLL = 0.05


class Lock:
    """One process at a time: held until the process ends, however it ends."""

    def __init__(self, path: Path, held_by: str, patience: float = 0.0) -> None:
        """Raises ConfigurationError when another process holds the lock for longer than ``patience`` seconds.

        A half of a supervisor that was killed holds it until it has ended.
        """
        with told(f"opening {path}"):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + patience
        warned = False
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(self._descriptor)
                    raise ConfigurationError(f"{held_by} runs already in {path.parent}") from None
            else:
                return
            if not warned:
                _log.warning("%s runs in %s: waiting up to %.0f s for it to end", held_by, path.parent, patience)
                warned = True
            time.sleep(_POLL)

    def release(self) -> None:
        """Let go before the process ends."""
        os.close(self._descriptor)


def open_data_directory(path: Path) -> None:
    """Make the directory, for its owner alone, unless it is there. Raises ConfigurationError."""
    if any((path / name).exists() for name in _OLDER) and not (path / "api").exists():
        raise ConfigurationError(
            f"the data directory {path} is of an older version, and what is in it has other places now: in it, "
            "mkdir -m 700 api agent; mv gatewright.db* secret.key api/; mv installation agent.revision agent/"
        )
    _make(path)


def open_folder(path: Path) -> None:
    """Make a folder of the data directory for this process's user alone, unless it is there.

    Raises ConfigurationError.
    """
    _make(path)
    if not os.access(path, os.W_OK):
        raise ConfigurationError(f"{path} cannot be written by user {os.geteuid()}: chown -R it, or run as its owner")


def give_folder(path: Path, user: User) -> None:
    """Make a folder of the data directory for another user alone; called by root. Raises ConfigurationError.

    One that is root's is handed over with what is in it: nobody but root can have put anything there. One of a third
    user's is left alone.
    """
    _make(path)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        owner = os.fstat(folder).st_uid
        if owner not in (0, user.uid):
            raise ConfigurationError(
                f"{path} belongs to user {owner}, and the API is to run as user {user.uid}: "
                f'chown -R {user.uid}:{user.gid} {path}, or set api_user = "{owner}"'
            )
        if owner == 0:
            for _, folders, files, within in os.fwalk(".", dir_fd=folder):
                for name in (*folders, *files):
                    os.chown(name, user.uid, user.gid, dir_fd=within, follow_symlinks=False)
        os.fchmod(folder, 0o700)
        # last: when this is interrupted it is done again
        os.fchown(folder, user.uid, user.gid)
    finally:
        os.close(folder)


def _make(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the data directory {path} cannot be made: {error.strerror}") from error


def installation_id(folder: Path) -> str:
    """The id that marks all that this installation makes on hosts; made up on first use.

    It belongs to the directory and not to the database: with a new or an old database it is still the same
    installation that finds its earlier items.
    """
    path = folder / "installation"
    with told(f"reading or making {path}"):
        if not path.exists():
            replace_file(path, ids.installation_id() + "\n", only_new=True)
    return _read(path)


def find_installation_id(settings: Settings) -> str | None:
    """The id of the data directory's installation; None if there is none yet. Raises ConfigurationError."""
    path = settings.agent_folder / "installation"
    with told(f"looking for {path}"):
        there = path.exists()
    return _read(path) if there else None


def _read(path: Path) -> str:
    with told(f"reading {path}"):
        found = path.read_bytes().strip()
    if not _INSTALLATION.fullmatch(found):
        raise ConfigurationError(
            f"{path} does not hold an installation's id (8 characters of 0-9 and a-z): put it back from a backup, or "
            "write there the id that the names of its namespaces have (ip netns: gw-ID-...); it has been left as it is"
        )
    return found.decode()
