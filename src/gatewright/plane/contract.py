"""What an agent asks of a plane. Both planes pass the same suite, ``tests/plane/test_contract.py``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from gatewright.resources.specs import ItemKey, Spec
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import TunnelLine, TunnelState
from gatewright.resources.tunnels import SecretRef


class PlaneError(Exception):
    """An item could not be applied or removed. The text is for people: it stands in statuses and logs."""


#: Called on the event loop with an item that is no longer as it was applied, and why.
Changed = Callable[[ItemKey, str], None]
#: Called on the event loop at once when something is seen of a tunnel, or a daemon has told something of it.
Told = Callable[[TunnelState | TunnelLine], None]
#: Gives the values of secrets, by reference; what is not known (any more) is not in the answer. Raises PlaneError.
Reveal = Callable[[Sequence[SecretRef]], Awaitable[Mapping[SecretRef, str]]]


def unheard(told: TunnelState | TunnelLine) -> None:
    """For who does not listen to what is told of tunnels."""


async def unrevealed(references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
    """For a plane without anybody who knows secrets."""
    raise PlaneError(f"nobody is there who knows the secrets {', '.join(each.id for each in references)}")


class Plane(Protocol):
    """Builds items on one host. All methods are called from one event loop, never twice at a time for one item."""

    async def open(self, changed: Changed, told: Told = unheard, reveal: Reveal = unrevealed) -> Mapping[ItemKey, int]:
        """Find what earlier runs of this installation left on the host, and start to watch it.

        ``reveal`` is asked for a tunnel's secrets only when they are to be loaded into a daemon.

        Returns the generation that each found item stands at, 0 where it is unknown or half made. Found items are
        left as they are: the agent applies or removes them when it knows what is wanted.
        """
        ...

    async def apply(self, spec: Spec) -> None:
        """Make the item be what the spec says; returns once that has been seen to be so.

        Idempotent, and safe to repeat after a failure or a crash at any point. What need not change is not touched.
        Tunnels that the spec names otherwise than what stands are negotiated anew, and no others are disturbed. The
        state of each tunnel is told, after ``open`` as soon as its instance is applied. One whose secrets are not known
        stays as it was, keeps no other from coming up, and makes this raise.
        A vSwitch is applied before what is plugged into it; a router without one of its vSwitches does the rest of its
        work before it raises. Raises PlaneError.
        """
        ...

    async def remove(self, key: ItemKey) -> None:
        """Remove every trace of the item; returns once it is gone. Removing what is not there is fine.

        Raises PlaneError.
        """
        ...

    async def traffic(self) -> Sequence[Count]:
        """What has gone through the instances that stand, as far as it can be counted now. Raises PlaneError."""
        ...

    async def close(self) -> None:
        """Stop watching. Daemons carry on."""
        ...
