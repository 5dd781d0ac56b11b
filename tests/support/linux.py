"""The linux plane in tests: whether it can run here, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import shutil
from functools import cache
from pathlib import Path


class Left(Exception):
    """What was to be removed is still there."""


@cache
def unmet() -> str:
    """Why the linux plane cannot be tested here; empty when it can."""
    if os.geteuid() != 0:
        return "the linux plane needs root"
    try:
        from gatewright.plane.linux import requirements
    except ImportError as error:
        return f"the linux plane needs gatewright[linux]: {error}"
    return " ".join(requirements())


def clean(installation: str, runtime: Path = Path("/run/gatewright")) -> None:
    """Remove whatever an installation has on this host, and make sure that it is gone. Raises Left."""
    from gatewright.plane.linux import LinuxPlane, leftovers

    async def remove() -> None:
        plane = LinuxPlane(installation, runtime)
        found = await plane.open(lambda key, reason: None)
        for key in sorted(found, key=str):
            await plane.remove(key)
        await plane.close()

    asyncio.run(remove())
    if left := leftovers(installation, runtime):
        raise Left("; ".join(left))
    shutil.rmtree(runtime / installation, ignore_errors=True)
    for name in ("lock", "sock"):  # of an agent that was killed
        (runtime / f"{installation}.{name}").unlink(missing_ok=True)
