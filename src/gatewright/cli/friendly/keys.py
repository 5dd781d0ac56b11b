"""Keys that are no words of a command line, where every user of the machine could read them."""

from __future__ import annotations

from pathlib import Path

from gatewright.cli.asking import secret_line
from gatewright.errors import ConfigurationError


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
