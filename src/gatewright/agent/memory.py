"""What an agent remembers across its own restarts: how far it had followed the control plane."""

from __future__ import annotations

import logging
from pathlib import Path

from gatewright.errors import ConfigurationError
from gatewright.state_files import replace_file, told

_log = logging.getLogger(__name__)


class RevisionMemory:
    """The highest host revision that was ever seen.

    A control plane that answers with a lower one has lost something (an old backup, an empty database): nothing it
    says is acted on until a person has looked.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Kept in a file, or for the life of the process when there is none."""
        self._path = path
        self.highest = 0
        #: Whether what is remembered could not be written, and that has been said.
        self._unwritten = False
        if path is not None and path.exists():
            with told(f"reading {path}"):
                content = path.read_bytes()
            if not content.strip().isdigit():
                raise ConfigurationError(
                    f"{path} does not hold a revision: if the database is the newest there is, remove this file"
                )
            self.highest = int(content)

    def note(self, revision: int) -> None:
        """Remember a revision if it is the highest so far.

        When it cannot be written, that is said once, and tried again with the next one: the host goes on.
        """
        if revision <= self.highest:
            return
        self.highest = revision
        if self._path is None:
            return
        try:
            replace_file(self._path, f"{revision}\n")
        except OSError as error:
            if not self._unwritten:
                _log.warning(
                    "%s cannot be written: %s. Until it can, an old database would not be noticed after a restart",
                    self._path,
                    error.strerror,
                )
            self._unwritten = True
        else:
            self._unwritten = False
