"""Compiled modules, as everybody has them from the second start on, also where the environment forbids to write them.

Without them a start takes three times as long and the process keeps what the compiler used.
"""

from __future__ import annotations

from pathlib import Path


def environment(folder: Path) -> dict[str, str]:
    """Environment variables that have bytecode kept below ``folder`` and not in the checkout."""
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
