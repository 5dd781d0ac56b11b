"""Runs the command as people do, in a process of its own with a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gatewright


@dataclass(frozen=True)
class Ran:
    """How a command went."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """``gatewright`` with an environment that says which service to call."""

    home: Path
    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of who runs the tests, and nothing of terminals."""
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
        return kept | {
            # it runs in another folder, where a relative path would lead to another gatewright
            "PYTHONPATH": str(Path(gatewright.__file__).parents[1]),
            "HOME": str(self.home),
            "GATEWRIGHT_ENDPOINT": self.endpoint,
            "GATEWRIGHT_ACCESS_KEY_ID": "test",
            "GATEWRIGHT_ACCESS_KEY_SECRET": "secret",
        }

    def run(self, *words: str, stdin: str | None = None, **environment: str) -> Ran:
        """Run it to its end. An empty variable is left out."""
        variables = {name: value for name, value in (self.environment | environment).items() if value}
        ran = subprocess.run(
            [sys.executable, "-m", "gatewright", *words],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            env=variables,
            cwd=self.home,
            timeout=120,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)


#: Runs a command in this process.
Friendly = Callable[..., Ran]


def answered(ran: Ran) -> Any:
    assert ran.status == 0, ran.err
    return json.loads(ran.out)
