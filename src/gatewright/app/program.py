"""How a person's shell calls this program."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

_NAME = "gatewright"


def program(folder: Path | None = None) -> str:
    """The word that starts this installation's command, unquoted: by its name if the shell finds it so, else by path.

    The path is relative for what lies in ``folder``, where the shell is taken to be.
    """
    script = Path(sys.prefix) / "bin" / _NAME
    found = shutil.which(_NAME)
    if not script.exists() or (found is not None and Path(found).resolve() == script.resolve()):
        return _NAME
    return str(script) if folder is None else named_in(folder, script)


def named_in(folder: Path, path: Path) -> str:
    """A path as a shell in ``folder`` may write it: relative if it leads down from there."""
    return str(path.relative_to(folder)) if path != folder and path.is_relative_to(folder) else str(path)
