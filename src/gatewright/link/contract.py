"""What an agent asks of the control plane. It is narrow on purpose: a few questions, plain documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from gatewright.resources.specs import InstanceSpec, Observation, RouterSpec, Tombstone, VSwitchSpec
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import TunnelLine, TunnelState
from gatewright.resources.tunnels import SecretRef

Wanted = VSwitchSpec | RouterSpec | InstanceSpec | Tombstone


class HostChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What changed on a host after some revision: a page of it, oldest change first."""

    #: All changes up to this revision are known with this page: where to ask on from.
    upto: int
    #: The host's revision when the page was made; ``upto`` is smaller while there are more pages.
    revision: int
    items: tuple[Wanted, ...]
    #: Where traces are recorded: of each item the W3C ``traceparent`` of what made it change, or an empty text.
    traces: tuple[str, ...] = ()


class Secret(msgspec.Struct, frozen=True, gc=False):
    """The value of a secret, which nothing shows that prints one."""

    id: str
    version: int
    value: str

    def __repr__(self) -> str:
        return f"Secret({self.id!r}, {self.version}, ***)"


class Secrets(dict[SecretRef, str]):
    """Values of secrets by what refers to them, which nothing shows that prints them."""

    def __init__(self, found: Iterable[Secret]) -> None:
        super().__init__({SecretRef(each.id, each.version): each.value for each in found})

    def __repr__(self) -> str:
        return f"Secrets({list(self)}: ***)"


class LinkDown(Exception):
    """The control plane does not answer. Nothing follows from it but to ask again."""


class HostUnknown(Exception):
    """An agent asks for a host that there is not, or not any more."""


class Link(Protocol):
    """An agent's side."""

    async def changes(self, since: int, wait: float) -> HostChanges:
        """What changed after a revision; waits up to ``wait`` seconds for something. Raises LinkDown."""
        ...

    async def report(self, observations: Sequence[Observation]) -> None:
        """Tell what was seen; returns once the control plane has it for good. Raises LinkDown."""
        ...

    async def traffic(self, counts: Sequence[Count]) -> float:
        """Tell what has gone through instances. Returns in how many seconds to tell again. Raises LinkDown."""
        ...

    async def tunnels(self, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        """Tell what was seen of tunnels; returns once the control plane has it for good. Raises LinkDown."""
        ...

    async def secrets(self, references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        """The values of those secrets that the host is to know, of the versions that are asked for. Raises LinkDown."""
        ...


class Authority(Protocol):
    """The control plane's side: the same for any host."""

    async def changes(self, host_id: str, since: int, wait: float) -> HostChanges:
        """What changed on a host. Raises HostUnknown."""
        ...

    async def report(self, host_id: str, observations: Sequence[Observation]) -> None: ...

    async def traffic(self, host_id: str, counts: Sequence[Count]) -> float: ...

    async def tunnels(self, host_id: str, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None: ...

    async def secrets(self, host_id: str, references: Sequence[SecretRef]) -> Sequence[Secret]: ...


class ServedAuthority(Authority, Protocol):
    """The same for agents in other processes."""

    async def met(self, host_id: str, version: int) -> None:
        """An agent that knows this version of the specs has been heard of."""
        ...


class HostAuthority(ServedAuthority, Protocol):
    """The same where hosts show certificates."""

    async def host_of(self, fingerprint: str) -> str | None:
        """The host whose certificate has a fingerprint; None when it is nobody's, or not any more."""
        ...
