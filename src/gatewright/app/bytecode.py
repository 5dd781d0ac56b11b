"""Compiled modules for the API, which may not write any where its code is.

Without them every start of it would compile everything anew: a second and more, where it is a third of that.
"""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import gatewright

_log = logging.getLogger(__name__)
#: Long enough for a slow disk, seconds.
_PATIENCE = 120.0


def refresh(environment: Mapping[str, str]) -> None:
    """Load the API's modules once in a process that may write their compiled forms, if one of ours is out of date."""
    if sys.dont_write_bytecode or not stale(Path(gatewright.__file__).parent):
        return
    try:
        loaded = subprocess.run(
            [sys.executable, "-P", "-c", "import gatewright.app.api"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        _log.warning("loading the API's modules took over %.0f s: they are not compiled", _PATIENCE)
        return
    if loaded.returncode != 0:
        # the API itself will say it again
        _log.warning("the API's modules cannot be loaded: %s", loaded.stderr.strip().rpartition("\n")[2])


def stale(package: Path) -> bool:
    """Whether a module that has been compiled has changed since, or the API's first one was never compiled."""
    first = package / "app" / "api.py"
    for source in package.rglob("*.py"):
        compiled = Path(importlib.util.cache_from_source(str(source)))
        if compiled.exists():
            if compiled.stat().st_mtime < source.stat().st_mtime:
                return True
        elif source == first:
            return True
    return False
