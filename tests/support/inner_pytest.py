"""Runs of pytest in processes of their own, with this checkout's plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# An installed gatewright has an entry point, which would load the same module by another name.
_PLUGIN = ("-p", "no:gatewright", "-p", "gatewright.testing.plugin", "-p", "no:cacheprovider")


def run_pytest(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder, which is the root of the run too."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *_PLUGIN, "--rootdir", folder, *arguments],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
