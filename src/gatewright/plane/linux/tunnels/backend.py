"""What the two ways to carry ESP have in common, so that whoever looks after tunnels need not know which it is.

Either way there is a link ``tun<number>`` in the instance's namespace, and a charon of the tunnel's own that is spoken
to over VICI.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.vici_conn import Section
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import TunnelSpec


@dataclass(frozen=True)
class Standing:
    """What there is for a tunnel once it can be loaded."""

    #: Where its charon answers.
    socket: Path
    #: Its charon, to be watched and closed.
    process: Process


class Backend(Protocol):
    """Methods block, may run in several threads, and raise PlaneError."""

    def served(self, spec: InstanceSpec) -> Sequence[TunnelSpec]:
        """The tunnels that can be carried beside each other. Pure."""
        ...

    def ensure(self, spec: InstanceSpec, tunnel: TunnelSpec) -> Standing:
        """Have all there that charon needs, and the tunnel's link, down if it is new.

        Namespace, legs and filters of the instance are there. What is right is not touched. ``spec`` has the
        tunnel.
        """
        ...

    def stands(self, spec: InstanceSpec) -> bool:
        """Whether :meth:`ensure` would find everything of all tunnels, their own charons too. Changes nothing."""
        ...

    def remove(self, instance_id: str, number: int) -> None:
        """Remove every trace of a tunnel; its peer is told. It may be gone already."""
        ...

    def found(self, instance_id: str) -> Collection[int]:
        """The numbers of an instance's tunnels of which anything is there."""
        ...

    def taken(self, spec: InstanceSpec) -> Collection[int]:
        """The numbers of an instance's tunnels by which there is another tunnel, which had the number before."""
        ...

    def connection(self, spec: InstanceSpec, tunnel: TunnelSpec, /) -> Section:
        """The message of VICI's load-conn. Pure; of the instance, only its legs count."""
        ...

    def faults(
        self, spec: InstanceSpec, within: Collection[int] | None = None, left_out: Collection[int] = (), /
    ) -> Iterator[str]:
        """What differs of what :meth:`ensure` makes, for people. Changes nothing.

        It may be asked whenever something happens in the instance's namespace, however many tunnels there are: into
        namespaces of tunnels, those of these numbers only are looked, and those that are ``left_out`` not looked at.
        """
        ...
