"""The link inside one process: a plain call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatewright.errors import ApiError
from gatewright.link.contract import Authority, HostChanges, LinkDown, Secrets
from gatewright.resources.specs import Observation
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import TunnelLine, TunnelState
from gatewright.resources.tunnels import SecretRef


class DirectLink:
    """Calls the control plane of the same process."""

    def __init__(self, authority: Authority, host_id: str) -> None:
        self._authority = authority
        self._host_id = host_id

    async def changes(self, since: int, wait: float) -> HostChanges:
        try:
            return await self._authority.changes(self._host_id, since, wait)
        except ApiError as error:
            raise LinkDown(str(error)) from error

    async def report(self, observations: Sequence[Observation]) -> None:
        try:
            await self._authority.report(self._host_id, observations)
        except ApiError as error:
            raise LinkDown(str(error)) from error

    async def traffic(self, counts: Sequence[Count]) -> float:
        try:
            return await self._authority.traffic(self._host_id, counts)
        except ApiError as error:
            raise LinkDown(str(error)) from error

    async def tunnels(self, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        try:
            await self._authority.tunnels(self._host_id, states, lines)
        except ApiError as error:
            raise LinkDown(str(error)) from error

    async def secrets(self, references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        try:
            return Secrets(await self._authority.secrets(self._host_id, references))
        except ApiError as error:
            raise LinkDown(str(error)) from error
