"""Which modules are compiled for the API, and that it finds them so."""

from __future__ import annotations

import os
import py_compile
from pathlib import Path

import pytest

from gatewright.app import bytecode
from gatewright.app.bytecode import changed, compiled


def test_what_has_changed_is_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    first, other = tmp_path / "app" / "api.py", tmp_path / "other.py"
    first.parent.mkdir()
    for source in (first, other):
        source.touch()
        # one that nobody loads is never compiled
        assert changed(tmp_path) == []
    py_compile.compile(str(other))
    assert changed(tmp_path) == []
    later = compiled(other).stat().st_mtime + 1
    os.utime(other, (later, later))
    assert changed(tmp_path) == [other]

    loaded: list[object] = []
    monkeypatch.setattr("gatewright.__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(bytecode, "_load", loaded.append)
    bytecode.refresh({"A": "b"})
    assert loaded == [{"A": "b"}]
    py_compile.compile(str(first))
    os.utime(other, (later - 60, later - 60))
    bytecode.refresh({})
    assert changed(tmp_path) == []
    assert len(loaded) == 1
