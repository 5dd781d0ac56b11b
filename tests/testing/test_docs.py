"""The page about testing: its example runs, and what it says that there is, is there."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from gatewright import testing
from gatewright.testing import Control, Server

PAGE = (Path(__file__).parents[2] / "docs/testing.md").read_text()


def test_the_example_runs_as_it_stands(
    gw: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    # all but that it starts anew
    monkeypatch.setattr(testing, "server", lambda: contextlib.nullcontext(gw), raising=False)
    exec(compile(example, "docs/testing.md", "exec"), {})  # noqa: S102 - it is ours
    assert capsys.readouterr().out == "['CreateVpc']\n"


def test_what_is_named_is_there() -> None:
    rows = [line.split(" | ")[0] for line in PAGE.splitlines() if line.startswith("| `")]
    control = Control("http://127.0.0.1:1")
    for call in re.findall(r"`((?:\w+\.)?\w+)\(", "\n".join(rows[rows.index(next(r for r in rows if "clock" in r)) :])):
        part, _, method = call.rpartition(".")
        assert callable(getattr(getattr(control, part) if part else control, method)), call
    fields = {*Server.__dataclass_fields__, *(name for name in vars(Server) if not name.startswith("_"))}
    assert {name for name in fields if not name.startswith("_") and f"`{name}" not in "\n".join(rows)} == set()
    assert [name for name in re.findall(r"`testing\.(\w+)", PAGE) if name not in testing.__all__] == []


def test_every_name_of_the_package_is_loaded() -> None:
    assert [name for name in testing.__all__ if getattr(testing, name).__name__ != name] == []
