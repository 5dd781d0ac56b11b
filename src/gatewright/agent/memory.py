"""What an agent remembers across its own restarts: how far it had followed the control plane."""

from __future__ import annotations

from pathlib import Path


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
            self.highest = int(path.read_text("ascii"))

    def note(self, revision: int) -> None:
        """Remember a revision if it is the highest so far."""
        if revision <= self.highest:
            return
        self.highest = revision
        if self._path is not None:
            part = self._path.with_suffix(".part")
            part.write_text(f"{revision}\n", "ascii")
            part.replace(self._path)
