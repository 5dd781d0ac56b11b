"""Hears what changes in the namespaces of one item, for as long as they are the same ones.

Opening sockets in some hundred namespaces takes longer than what an apply changes there, so they stay open over it.
They must not outlive what is to go: an open socket keeps a namespace alive that has lost its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from gatewright.plane.linux import events, netns
from gatewright.plane.linux.events import EventSocket
from gatewright.plane.linux.failures import step

#: Told of each socket that has something to read, with the namespace's name.
Heard = Callable[[str, EventSocket], None]


@dataclass(frozen=True)
class Ear:
    """What hears one namespace."""

    identity: netns.Identity
    sockets: tuple[EventSocket, ...]


def opened(names: Iterable[str]) -> dict[str, Ear]:
    """Listen in these namespaces; those that are not there are left out. Blocks, and raises PlaneError."""
    found: dict[str, Ear] = {}
    try:
        for name in names:
            with step(f"listening for changes in {name}"):
                if (identity := netns.identity(name)) is not None:
                    found[name] = Ear(identity, tuple(events.inside(name)))
    except BaseException:
        close(found)
        raise
    return found


def close(found: Mapping[str, Ear]) -> None:
    """Close what nobody has begun to listen to."""
    for ear in found.values():
        for source in ear.sockets:
            source.close()


class Ears:
    """Of one item, by the names of namespaces. All methods are called on the event loop."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._ears: dict[str, Ear] = {}

    @property
    def names(self) -> Collection[str]:
        return self._ears.keys()

    @property
    def sockets(self) -> list[EventSocket]:
        return [source for ear in self._ears.values() for source in ear.sockets]

    def add(self, found: Mapping[str, Ear]) -> None:
        for name, ear in found.items():
            self._ears[name] = ear
            for source in ear.sockets:
                self._loop.add_reader(source.fileno(), self._heard, name, source)

    def keep(self, names: Collection[str]) -> None:
        """Listen no longer in others than these, nor where a name has come to be another namespace's."""
        for name in [name for name, ear in self._ears.items() if name not in names or _is_another(name, ear)]:
            ear = self._ears.pop(name)
            for source in ear.sockets:
                self._loop.remove_reader(source.fileno())
                source.close()

    def lost(self, listing: Mapping[str, netns.Identity | None]) -> bool:
        """Whether one of the namespaces is not called so any more; ``listing`` is of all names."""
        return any(listing.get(name) != ear.identity for name, ear in self._ears.items())


def _is_another(name: str, ear: Ear) -> bool:
    try:
        return netns.identity(name) != ear.identity
    except OSError:
        return True
