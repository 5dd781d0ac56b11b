"""What an agent remembers across its own restarts: how far it had followed the control plane."""

from __future__ import annotations

import os
from pathlib import Path

from gatewright.errors import ConfigurationError


class RevisionMemory:
    """The highest host revision that was ever seen.

    A control plane that answers with a lower one has lost something (an old backup, an empty database): nothing it
    says is acted on until a person has looked.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Kept in a file, or for the life of the process when there is none."""
        self._path = path
        self.highest = 0
        if path is not None and path.exists():
            try:
                self.highest = int(path.read_text("ascii"))
            except ValueError:
                raise ConfigurationError(
                    f"{path} does not hold a revision: if the database is the newest there is, remove this file"
                ) from None

    def note(self, revision: int) -> None:
        """Remember a revision if it is the highest so far."""
        if revision <= self.highest:
            return
        self.highest = revision
        if self._path is not None:
            part = self._path.with_suffix(".part")
            with part.open("w", encoding="ascii") as file:
                file.write(f"{revision}\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
