"""Asking a person: before something is removed, and for what must not be seen."""

from __future__ import annotations

import sys

from gatewright.errors import ConfigurationError

#: Bytes of a secret with what stands around it, at the most.
LONGEST_SECRET = 64 * 1024


def agreed(question: str, *, otherwise: str = "say --yes") -> bool:
    """Whether a person says yes. Where nobody is there ConfigurationError says what to do ``otherwise``."""
    if not sys.stdin.isatty():
        raise ConfigurationError(f"nobody is here to be asked: {otherwise}")
    sys.stdout.flush()
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def secret_line(prompt: str) -> str:
    """A secret that a person types unseen, or the next line of standard input, without the blanks around it.

    Raises ConfigurationError for a line that goes on and on.
    """
    if not sys.stdin.isatty():
        line = sys.stdin.readline(LONGEST_SECRET + 1)
        if len(line) > LONGEST_SECRET:
            raise ConfigurationError(f"standard input has a line of more than {LONGEST_SECRET} characters: no secret")
        return line.strip()
    from getpass import getpass

    return getpass(prompt).strip()
