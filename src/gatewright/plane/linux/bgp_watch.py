"""Sees at once what becomes of customers' BGP sessions: a connection to each BIRD that has some, on the event loop.

BIRD tells on it when a state changes; that only says that it is time to ask. Of routes it tells nothing, so while a
session is up it is asked every other second how many have come and gone, and which there are if that has changed. A
question takes 1.1 ms of this process's time and 0.2 ms of BIRD's (measured, three sessions).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from gatewright.plane.linux import bird, bird_client, instance_bird
from gatewright.plane.linux.bird_client import BirdClient, Session
from gatewright.plane.linux.bird_config import customer_name
from gatewright.plane.linux.folders import Folders
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnel_states import LearnedRoute

_log = logging.getLogger(__name__)

#: How long changes are gathered, since one comes with others, and how soon a BIRD that does not answer is tried again,
#: seconds.
_GATHER = 0.02
_AGAIN = 0.25
#: How often a BIRD is asked though it has told nothing, seconds.
_SWEEP = 30.0
#: The same while a session is up.
_LOOK = 2.0

#: What is seen of the sessions of an instance's tunnels, by the tunnels' numbers; None where there is no BIRD.
Seen = Mapping[int, Session | None]


class BgpWatch:
    """All methods are called on the event loop."""

    def __init__(self, folders: Folders, told: Callable[[str, Seen], None]) -> None:
        """``told`` gets an instance's id whenever its BIRD has been asked."""
        self._folders = folders
        self._told = told
        self._watched: dict[str, tuple[frozenset[int], asyncio.Task[None]]] = {}
        self._seen: dict[str, Seen] = {}

    async def attend(self, spec: InstanceSpec) -> None:
        """Watch the sessions that an instance is to have, if any. What is known of them is told again."""
        numbers = frozenset(tunnel.number for tunnel in spec.tunnels if tunnel.bgp is not None)
        if not instance_bird.needed(spec):
            numbers = frozenset()
        before = self._watched.get(spec.id)
        if before is not None and before[0] == numbers:
            if spec.id in self._seen:
                self._told(spec.id, self._seen[spec.id])
            return
        await self.forget(spec.id)
        if numbers:
            path = bird.socket_of(self._folders.of(spec.key))
            self._watched[spec.id] = numbers, asyncio.ensure_future(self._follow(spec.id, path, numbers))

    async def forget(self, instance_id: str) -> None:
        """Watch an instance's sessions no longer."""
        self._seen.pop(instance_id, None)
        found = self._watched.pop(instance_id, None)
        if found is not None:
            found[1].cancel()
            await asyncio.gather(found[1], return_exceptions=True)

    async def close(self) -> None:
        for instance_id in tuple(self._watched):
            await self.forget(instance_id)

    async def _follow(self, instance_id: str, path: Path, numbers: frozenset[int]) -> None:
        said = ""
        while True:
            try:
                await self._listen(instance_id, path, numbers)
            except OSError:
                pass
            except Exception as error:  # whatever one answer is like, the next one is asked for
                if repr(error) != said:
                    _log.exception("what BIRD of %s tells was not understood", instance_id)
                said = repr(error)
            # it has ended, or has not begun
            self._tell(instance_id, dict.fromkeys(numbers))
            await asyncio.sleep(_AGAIN)

    def _tell(self, instance_id: str, seen: Seen) -> None:
        self._seen[instance_id] = seen
        self._told(instance_id, seen)

    async def _listen(self, instance_id: str, path: Path, numbers: frozenset[int]) -> None:
        """Returns when BIRD ends."""
        loop = asyncio.get_running_loop()
        told = await asyncio.to_thread(bird_client.listen, path)
        names = frozenset(customer_name(number) for number in numbers)
        found: dict[str, Session] = {}
        try:
            while True:
                # after listening has begun, so that no change falls between the two
                found = await asyncio.to_thread(_ask, path, names, found)
                self._tell(instance_id, {number: found.get(customer_name(number)) for number in numbers})
                up = any(session.up for session in found.values())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK if up else _SWEEP):
                        if not await loop.sock_recv(told, 65536):
                            return
                await asyncio.sleep(_GATHER)
        finally:
            told.close()


def _ask(path: Path, names: Collection[str], before: Mapping[str, Session]) -> dict[str, Session]:
    """The sessions of these names, with their routes: asked for anew where they may be others than before."""
    with BirdClient(path, bird.PATIENCE) as client:
        found = {}
        for session in client.sessions():
            if session.name in names:
                earlier = before.get(session.name)
                routes: tuple[LearnedRoute, ...] = ()
                if session.up and earlier is not None and earlier.up and earlier.changes == session.changes:
                    routes = earlier.routes
                elif session.up:
                    routes = _dated(client.learned(session.name), () if earlier is None else earlier.routes)
                found[session.name] = replace(session, routes=routes)
        return found


def _dated(routes: Iterable[LearnedRoute], before: Iterable[LearnedRoute]) -> tuple[LearnedRoute, ...]:
    """Each since it was first seen like this."""
    now = time.time_ns() // 1_000_000
    known = {msgspec.structs.replace(each, at=0): each for each in before}
    return tuple(known.get(each, msgspec.structs.replace(each, at=now)) for each in routes)
