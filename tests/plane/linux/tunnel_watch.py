"""What a plane tells of tunnels, collected; and a plane that knows these tests' secrets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from gatewright.plane.contract import Changed
from gatewright.plane.linux import LinuxPlane
from gatewright.resources.specs import ItemKey
from gatewright.resources.tunnel_states import TunnelLine, TunnelState, TunnelStatus
from gatewright.resources.tunnels import SecretRef
from tests.plane.linux.lab import PSK, Lab, Told
from tests.support.patience import patience


class Heard:
    """Is a plane's ``told``."""

    def __init__(self) -> None:
        self.states: list[TunnelState] = []
        self.lines: list[TunnelLine] = []
        self._something = asyncio.Event()

    def __call__(self, told: TunnelState | TunnelLine) -> None:
        if isinstance(told, TunnelState):
            self.states.append(told)
        else:
            self.lines.append(told)
        self._something.set()

    def last(self, tunnel_id: str) -> TunnelState | None:
        return next((state for state in reversed(self.states) if state.id == tunnel_id), None)

    async def until(self, holds: Callable[[], bool], seconds: float = 10) -> None:
        """Wait until something holds, looked at whenever something is told."""
        try:
            async with asyncio.timeout(patience(seconds)):
                while not holds():
                    self._something.clear()
                    await self._something.wait()
        except TimeoutError:
            lines = "\n".join(line.text for line in self.lines[-40:])
            raise AssertionError(f"waited in vain; {self.states[-5:]}; lines:\n{lines}") from None

    async def status(self, tunnel_id: str, status: TunnelStatus, seconds: float = 10) -> TunnelState:
        """Wait until the last that was told of a tunnel is this status."""

        def holds() -> bool:
            last = self.last(tunnel_id)
            return last is not None and last.status is status

        await self.until(holds, seconds)
        found = self.last(tunnel_id)
        assert found is not None
        return found


class Secrets:
    """Is a plane's ``reveal``: everything is PSK, but for what is set."""

    def __init__(self) -> None:
        self.values: dict[SecretRef, str] = {}
        self.asked: list[SecretRef] = []

    async def __call__(self, references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        self.asked += references
        return {reference: self.values.get(reference, PSK) for reference in references}


@contextlib.asynccontextmanager
async def opened(
    lab: Lab, heard: Heard, *, changed: Changed | None = None, secrets: Secrets | None = None
) -> AsyncIterator[tuple[LinuxPlane, Mapping[ItemKey, int]]]:
    """A plane on the installation that tells of tunnels, and the generations that it found."""
    plane = lab.plane()
    found = await plane.open(changed or Told(), heard, secrets or Secrets())
    try:
        yield plane, found
    finally:
        await plane.close()


def play(lab: Lab, scenario: Callable[[LinuxPlane, Heard], Awaitable[None]], secrets: Secrets | None = None) -> None:
    """Run a scenario with an open plane, for a minute at most."""

    async def main() -> None:
        heard = Heard()
        async with asyncio.timeout(patience(60)), opened(lab, heard, secrets=secrets) as (plane, _):
            await scenario(plane, heard)

    asyncio.run(main())
