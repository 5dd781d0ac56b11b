"""Looking at all that an installation has on a host, and removing it, without anybody who says what is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux.guards import Guards
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.plane import LinuxPlane
from gatewright.plane.linux.rtnl import Rtnl
from gatewright.resources.specs import ItemKey


def standing(installation: str, runtime: Path) -> Mapping[ItemKey, int]:
    """Every item that something is there of, with the generation it stands at; 0 if it is half made.

    Nothing is changed. Raises PlaneError.
    """

    async def look() -> Mapping[ItemKey, int]:
        plane = LinuxPlane(installation, runtime)
        try:
            return await plane.open(lambda _key, _reason: None)
        finally:
            await plane.close()

    return asyncio.run(look())


def remove(
    installation: str, runtime: Path, order: Callable[[Iterable[ItemKey]], list[ItemKey]], told: Callable[[str], None]
) -> list[str]:
    """Remove all of an installation whose agent does not run; ``told`` hears what is done.

    Gives a line for each failure. What of another installation or of the host is left alone. Raises PlaneError.
    """

    async def remove_items() -> list[str]:
        failures = []
        plane = LinuxPlane(installation, runtime)
        try:
            for key in order(await plane.open(lambda _key, _reason: None)):
                try:
                    await plane.remove(key)
                    told(f"removed {key}")
                except PlaneError as error:
                    failures.append(f"{key}: {error}")
        finally:
            await plane.close()
        return failures

    failures = asyncio.run(remove_items())
    for name in _remove_stray_links(installation):
        told(f"removed link {name}")
    return failures


def _remove_stray_links(installation: str) -> list[str]:
    """Links with the installation's mark that belong to no item, such as an uplink that nothing is plugged into."""
    names = Names(installation)
    removed = []
    with Rtnl() as host:
        for link in host.links():
            if names.parse_alias(link.alias):
                host.delete(link)
                removed.append(link.name)
    Guards(names).remove_empty()
    return removed
