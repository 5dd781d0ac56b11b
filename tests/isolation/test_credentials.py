"""Giving up everything, in a process of its own, and noticing what is left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatewright.isolation.credentials import shortcomings
from gatewright.isolation.view import User

USER = User(61185, 61187)
NOTHING = """\
Name:\tpython
Uid:\t61185\t61185\t61185\t61185
Gid:\t61187\t61187\t61187\t61187
Groups:\t
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
CapAmb:\t0000000000000000
NoNewPrivs:\t1
"""


def test_a_process_that_has_nothing() -> None:
    assert shortcomings(NOTHING, USER) == []


@pytest.mark.parametrize(
    ("has", "instead", "said"),
    [
        ("Uid:\t61185\t61185\t61185\t61185", "Uid:\t61185\t61185\t0\t61185", "Uid is 61185 61185 0 61185"),
        ("Groups:\t", "Groups:\t0 ", "Groups is 0"),
        ("CapBnd:\t0000000000000000", "CapBnd:\t0000000000001000", "CapBnd is 0000000000001000"),
        ("NoNewPrivs:\t1\n", "", "NoNewPrivs is missing"),
    ],
)
def test_what_is_left_is_named(has: str, instead: str, said: str) -> None:
    assert shortcomings(NOTHING.replace(has, instead), USER) == [said]


def test_it_is_given_up_for_good() -> None:
    if os.geteuid() != 0:
        pytest.skip("giving up root needs root")
    script = (
        "import os, subprocess, sys\n"
        "from gatewright.isolation import credentials\n"
        "from gatewright.isolation.view import User\n"
        f"credentials.give_up_everything(User{tuple(USER)})\n"
        "try:\n    os.setresuid(0, 0, 0)\nexcept PermissionError:\n    print(open('/proc/self/status').read())\n"
    )
    package = str(Path(__import__("gatewright").__file__ or "").parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": package},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shortcomings(done.stdout, USER) == []
