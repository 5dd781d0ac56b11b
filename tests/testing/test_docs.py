"""The page about testing: its example runs, and what it says that there is, is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from gatewright import testing
from gatewright.testing import Control, Server

PAGE = (Path(__file__).parents[2] / "docs/testing.md").read_text()


def test_the_example_runs_as_it_stands() -> None:
    example = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    ran = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=120, check=False)
    assert ran.stdout == "['CreateVpc']\n", ran.stderr


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
