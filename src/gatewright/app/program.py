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
    if folder is not None and script.is_relative_to(folder):
        return str(script.relative_to(folder))
    return str(script)
