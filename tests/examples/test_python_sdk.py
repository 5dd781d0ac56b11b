"""The example's own tests pass, as its reader would run them."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.inner_pytest import run_pytest


def test_the_examples_tests_pass() -> None:
    # not with this checkout's settings for pytest
    ran = run_pytest(Path(__file__).parents[2] / "examples/python-sdk", "-q", "-c", os.devnull)
    assert "5 passed" in ran.stdout, ran.stdout + ran.stderr
