"""Compiled modules for the API, which may not write any where its code is.

Without them every start of it would compile everything anew: a second and more, where it is a third of that.
"""

from __future__ import annotations

import importlib.util
import logging
import py_compile
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import gatewright

_log = logging.getLogger(__name__)
#: Long enough for a slow disk, seconds.
_PATIENCE = 120.0


def refresh(environment: Mapping[str, str]) -> None:
    """Compile what has changed of ours, and load the API's modules once if they were never compiled, libraries too."""
    if sys.dont_write_bytecode:
        return
    package = Path(gatewright.__file__).parent
    for source in changed(package):
        try:
            py_compile.compile(str(source), doraise=True)
        except (OSError, py_compile.PyCompileError) as error:
            # then it is compiled at every start, or the API itself says what is wrong with it
            _log.info("%s is not compiled: %s", source, error)
    if not compiled(package / "app" / "api.py").exists():
        _load(environment)


def changed(package: Path) -> list[Path]:
    """The modules that have changed since they were compiled; one that never was is none of them."""
    found = ((source, compiled(source)) for source in package.rglob("*.py"))
    return [source for source, form in found if form.exists() and form.stat().st_mtime < source.stat().st_mtime]


def compiled(source: Path) -> Path:
    """Where a module's compiled form is kept."""
    return Path(importlib.util.cache_from_source(str(source)))


def _load(environment: Mapping[str, str]) -> None:
    """Load the API's modules in a process that may write their compiled forms."""
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
