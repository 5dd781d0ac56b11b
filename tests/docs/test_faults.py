"""The page of faults is held true: each row names tests that there are, and each test of faults is on the page."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text()
_NAMED = re.compile(r"`(tests/[a-z_/]+\.py)::(test_[a-z0-9_]+)`")


def functions_in(path: Path) -> set[str]:
    found = ast.parse(path.read_text()).body
    return {each.name for each in found if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")}


def test_every_row_names_tests_that_there_are() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and "---" not in line and "shown by" not in line]
    assert rows
    for row in rows:
        named = _NAMED.findall(row)
        assert named, row
        for path, test in named:
            assert test in functions_in(ROOT / path), f"{path}::{test}"


def test_every_test_of_a_fault_is_on_the_page() -> None:
    named = {(path, test) for path, test in _NAMED.findall(PAGE)}
    for path in sorted((ROOT / "tests" / "faults").glob("test_*.py")):
        for test in functions_in(path):
            assert (f"tests/faults/{path.name}", test) in named, f"{path.name}::{test}"
