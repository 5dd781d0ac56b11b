"""The command line loads the one module of an operation that it calls: each must load without another before it."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import importlib, sys
from gatewright.operations import registry

modules = sorted({operation.__module__ for operation in registry.ALL})
for name in modules:
    for loaded in [each for each in sys.modules if each.startswith("gatewright.operations.")]:
        del sys.modules[loaded]
    importlib.import_module(name)
print(len(modules))
"""


def test_every_operations_module_loads_first() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
