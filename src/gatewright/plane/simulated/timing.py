"""How long what happens on a simulated plane takes. By itself it takes no time."""

from __future__ import annotations

import enum
from typing import Protocol


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


class Timing(Protocol):
    """Whose time passes on a plane. Moments are milliseconds of one clock, whichever that is."""

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
    """Nothing takes time."""

    def end_of(self, change: Change) -> int:  # noqa: ARG002 - whatever it is
        return 0

    def passed(self, moment: int) -> bool:  # noqa: ARG002 - whenever that is
        return True

    async def until(self, moment: int) -> None:
        pass
