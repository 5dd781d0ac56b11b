"""When the API's modules have to be compiled for it."""

from __future__ import annotations

import importlib.util
import os
import py_compile
from pathlib import Path

from gatewright.app.bytecode import stale


def test_what_changed_or_was_never_compiled_is_stale(tmp_path: Path) -> None:
    first, other = tmp_path / "app" / "api.py", tmp_path / "other.py"
    first.parent.mkdir()
    first.touch()
    other.touch()
    assert stale(tmp_path)
    py_compile.compile(str(first))
    # a module that nobody loads is never compiled
    assert not stale(tmp_path)
    py_compile.compile(str(other))
    assert not stale(tmp_path)
    compiled = Path(importlib.util.cache_from_source(str(other))).stat().st_mtime
    os.utime(other, (compiled + 1, compiled + 1))
    assert stale(tmp_path)
