"""Keys: read from files, as on a command line every user of the machine could read them, and never shown."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatewright.cli.asking import LONGEST_SECRET, secret_line
from gatewright.errors import ConfigurationError

#: The fields of answers that have them.
_FIELDS = frozenset({"Psk", "AuthKey"})


def key_of(file: str, called: str) -> str:
    """The key in a file, or with ``-`` from a person or standard input.

    Raises ConfigurationError, also for a file that others can read.
    """
    key = secret_line(f"{called} (not shown): ") if file == "-" else _read(Path(file)).strip()
    if not key:
        raise ConfigurationError(f"{'standard input' if file == '-' else file} has no key in it")
    return key


def _read(path: Path) -> str:
    """What is in a file, or comes from a pipe. Raises ConfigurationError."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) & 0o077:
                raise ConfigurationError(f"others can read the key in {path}: chmod 600 {path}, and replace the key")
            content = file.read(LONGEST_SECRET + 1)
        if len(content) > LONGEST_SECRET:
            raise ConfigurationError(f"{path} has more than {LONGEST_SECRET} bytes: that is no key")
        return content.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"{path} cannot be read: {reason}") from None


def without_keys(answer: Any) -> Any:
    """An answer without the fields that have keys, at whatever depth."""
    if isinstance(answer, Mapping):
        return {name: without_keys(value) for name, value in answer.items() if name not in _FIELDS}
    return [without_keys(each) for each in answer] if isinstance(answer, list) else answer
