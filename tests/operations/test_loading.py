"""The command line loads the one module of an operation that it calls: each must load without another before it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from gatewright.operations import registry

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


def test_the_wire_is_kept_from_every_module_that_has_operations() -> None:
    """The contract that holds it names them one by one: what all operations share is the wire's to know."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    contracts = {each["name"]: each for each in project["tool"]["importlinter"]["contracts"]}
    kept = set(contracts["The wire knows no resource"]["forbidden_modules"])
    having = {".".join(operation.__module__.split(".")[:3]) for operation in registry.ALL}
    assert having | {"gatewright.operations.registry"} <= kept
