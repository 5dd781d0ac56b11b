"""What an agent asks of the control plane. It is narrow on purpose: two questions, plain documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from gatewright.resources.specs import InstanceSpec, Observation, RouterSpec, Tombstone, VSwitchSpec
from gatewright.resources.traffic import Count

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


class Authority(Protocol):
    """The control plane's side: the same for any host."""

    async def changes(self, host_id: str, since: int, wait: float) -> HostChanges:
        """What changed on a host. Raises HostUnknown."""
        ...

    async def report(self, host_id: str, observations: Sequence[Observation]) -> None: ...

    async def traffic(self, host_id: str, counts: Sequence[Count]) -> float: ...


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
