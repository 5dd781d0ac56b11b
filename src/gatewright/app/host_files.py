"""The files that an agent is started with: there whole when its certificate counts, and nobody else's before."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from gatewright.errors import ConfigurationError
from gatewright.secrets.certificates import Issued
from gatewright.state_files import told

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Files(NamedTuple):
    """What an agent is started with."""

    authority: Path
    certificate: Path
    key: Path


class Drafts:
    """The files of one host, as ``.part`` until they are :meth:`publish`\\ ed; a context manager.

    No file that is there is written to, and no link followed. Raises ConfigurationError.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.files = Files(folder / "ca.crt", folder / f"{name}.crt", folder / f"{name}.key")
        self._folder = folder
        self._drafts: dict[Path, int] = {}
        self._known_authority: str | None = None
        self._published = False

    def __enter__(self) -> Drafts:
        with told(f"looking at {self._folder}"):
            if not self._folder.is_dir() or not os.access(self._folder, os.W_OK):
                raise ConfigurationError(f"{self._folder} is no folder that can be written: say --out")
        try:
            for path in self.files[1:]:
                self._begin(path)
            if os.path.lexists(self.files.authority):
                self._known_authority = self._read_authority()
            else:
                self._begin(self.files.authority)
        except BaseException:
            self._withdraw()
            raise
        return self

    def write(self, authority: str, issued: Issued) -> None:
        """Write all to the disk; from the start each time. Raises ConfigurationError."""
        if self._known_authority not in (None, authority):
            raise ConfigurationError(
                f"{self.files.authority} is another installation's: move it away, or say --out with another folder"
            )
        for path, text in zip(self.files, (authority, issued.certificate, issued.private_key), strict=True):
            if path in self._drafts:
                with told(f"writing {_part(path)}"):
                    os.ftruncate(self._drafts[path], 0)
                    os.pwrite(self._drafts[path], text.encode("ascii"), 0)
                    os.fsync(self._drafts[path])

    def publish(self) -> Files:
        """Give the files their names, when their certificate counts. Raises ConfigurationError."""
        self._published = True
        with told(f"the certificate counts, and the files in {self._folder} that end in .part are its: renaming them"):
            for path in self._drafts:
                path.hardlink_to(_part(path))
            for path in self._drafts:
                _part(path).unlink()
        return self.files

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._published:
            self._close()
        else:
            self._withdraw()

    def _begin(self, path: Path) -> None:
        if os.path.lexists(path):
            raise ConfigurationError(f"{path} is there already: move it away, or say --out")
        if os.path.lexists(_part(path)):
            raise ConfigurationError(
                f"{_part(path)} is there already, as of an attempt that was interrupted: remove it, or say --out"
            )
        with told(f"making {_part(path)}"):
            self._drafts[path] = os.open(_part(path), _NEW, 0o600)

    def _read_authority(self) -> str:
        path = self.files.authority
        with told(f"reading {path}"):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                return file.read(64 * 1024).decode("ascii", "replace")

    def _close(self) -> None:
        for descriptor in self._drafts.values():
            os.close(descriptor)

    def _withdraw(self) -> None:
        self._close()
        for path in self._drafts:
            _part(path).unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")
