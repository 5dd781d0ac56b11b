"""How long what happens on a simulated plane takes. By itself it takes no time."""

from __future__ import annotations

import enum
from typing import Protocol

from gatewright.clock import SystemClock


class Change(enum.StrEnum):
    """What can take time."""

    #: An instance is made.
    PROVISIONING = "provisioning"
    #: An instance becomes another generation.
    UPDATING = "updating"
    #: An instance is removed.
    DELETING = "deleting"
    #: A vSwitch is made or removed.
    VSWITCH = "vswitch"
    #: A tunnel is negotiated; phase 1 stands after half of it.
    TUNNEL = "tunnel"


class Timing(Protocol):
    """Whose time passes on a plane. Moments are milliseconds of one clock, whichever that is."""

    def now(self) -> int:
        """What time it is."""
        ...

    def end_of(self, change: Change) -> int:
        """When a change that begins now is done."""
        ...

    def passed(self, moment: int) -> bool:
        """Whether it is that time."""
        ...

    async def until(self, moment: int) -> None:
        """Return once it is that time; at once, without giving way to others, when it is already."""
        ...


class AtOnce:
    """Nothing takes time; it is the machine's."""

    def __init__(self) -> None:
        self._clock = SystemClock()

    def now(self) -> int:
        return self._clock.now()

    def end_of(self, change: Change) -> int:  # noqa: ARG002 - whatever it is
        return 0

    def passed(self, moment: int) -> bool:  # noqa: ARG002 - whenever that is
        return True

    async def until(self, moment: int) -> None:
        pass
