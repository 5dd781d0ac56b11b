"""Keys: read from files, as on a command line every user of the machine could read them, and never shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatewright.cli.asking import secret_line
from gatewright.errors import ConfigurationError

#: The fields of answers that have them.
_FIELDS = frozenset({"Psk", "AuthKey"})


def key_of(file: str, called: str) -> str:
    """The key in a file, or with ``-`` from a person or standard input. Raises ConfigurationError."""
    try:
        text = secret_line(f"{called} (not shown): ") if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"{file} cannot be read: {reason}") from None
    key = text.strip()
    if not key:
        raise ConfigurationError(f"{'standard input' if file == '-' else file} has no key in it")
    return key


def without_keys(answer: Any) -> Any:
    """An answer without the fields that have keys, at whatever depth."""
    if isinstance(answer, Mapping):
        return {name: without_keys(value) for name, value in answer.items() if name not in _FIELDS}
    return [without_keys(each) for each in answer] if isinstance(answer, list) else answer
