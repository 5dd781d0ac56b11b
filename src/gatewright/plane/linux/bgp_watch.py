"""Sees at once what becomes of customers' BGP sessions: a connection to each BIRD that has some, on the event loop.

BIRD tells on it when a state changes; that only says that it is time to ask. Nothing is asked while nothing changes: a
question takes 1.1 ms of this process's time and 0.2 ms of BIRD's (measured, three sessions), so that asking four times
a second would cost half a percent of a processor an instance.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from gatewright.plane.linux import bird, bird_client, instance_bird
from gatewright.plane.linux.bird_client import BirdClient, Session
from gatewright.plane.linux.bird_config import customer_name
from gatewright.plane.linux.folders import Folders
from gatewright.resources.specs import InstanceSpec

_log = logging.getLogger(__name__)

#: How long changes are gathered, since one comes with others, and how soon a BIRD that does not answer is tried again,
#: seconds.
_GATHER = 0.02
_AGAIN = 0.25
#: How often a BIRD is asked though it has told nothing, seconds.
_SWEEP = 30.0

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
        try:
            while True:
                # after listening has begun, so that no change falls between the two
                found = {session.name: session for session in await asyncio.to_thread(_ask, path)}
                self._tell(instance_id, {number: found.get(customer_name(number)) for number in numbers})
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_SWEEP):
                        if not await loop.sock_recv(told, 65536):
                            return
                await asyncio.sleep(_GATHER)
        finally:
            told.close()


def _ask(path: Path) -> list[Session]:
    with BirdClient(path, bird.PATIENCE) as client:
        return client.sessions()
