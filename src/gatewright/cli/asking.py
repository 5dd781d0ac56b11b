"""Asking a person before something is removed."""

from __future__ import annotations

import sys

from gatewright.errors import ConfigurationError


def agreed(question: str, *, otherwise: str = "say --yes") -> bool:
    """Whether a person says yes. Where nobody is there ConfigurationError says what to do ``otherwise``."""
    if not sys.stdin.isatty():
        raise ConfigurationError(f"nobody is here to be asked: {otherwise}")
    sys.stdout.flush()
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
