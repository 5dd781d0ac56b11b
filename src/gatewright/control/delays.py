"""How long what happens on the simulated plane takes, by the service's clock."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from gatewright.control.clock import SteeredClock
from gatewright.control.routes import Asked, Body, Route, wrong
from gatewright.plane.simulated import Change

#: Seconds: a year.
_LONGEST = 365 * 24 * 3600


class DelayValues(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds that each change takes."""

    #: A gateway's instance is made, becomes another generation, is removed.
    provisioning: float = 0.0
    updating: float = 0.0
    deleting: float = 0.0
    #: A VPC is made.
    vpc: float = 0.0
    #: A vSwitch is made or removed.
    vswitch: float = 0.0
    #: A tunnel is negotiated.
    tunnel: float = 0.0


class DelayChange(Body):
    """The delays to change; the others stay."""

    provisioning: float | UnsetType = UNSET
    updating: float | UnsetType = UNSET
    deleting: float | UnsetType = UNSET
    vpc: float | UnsetType = UNSET
    vswitch: float | UnsetType = UNSET
    tunnel: float | UnsetType = UNSET


class Delays:
    """The plane's timing. A change takes what its delay is when it begins."""

    def __init__(self, clock: SteeredClock) -> None:
        self._clock = clock
        self.values = DelayValues()

    def now(self) -> int:
        return self._clock.now()

    def end_of(self, change: Change) -> int:
        seconds: float = getattr(self.values, change.value)
        return self._clock.now() + round(seconds * 1000)

    def passed(self, moment: int) -> bool:
        if self._clock.now() < moment:
            return False
        self._clock.wake()
        return True

    async def until(self, moment: int) -> None:
        await self._clock.sleep_until(moment)

    def vpc(self) -> int:
        """How long a new VPC is ``Pending``, milliseconds."""
        return round(self.values.vpc * 1000)


def check(values: DelayValues) -> DelayValues:
    """The same, if each is within its bounds. Raises Refusal."""
    for name, seconds in msgspec.structs.asdict(values).items():
        if not 0 <= seconds <= _LONGEST:
            raise wrong(name, f"must be 0 to {_LONGEST} seconds")
    return values


def routes(delays: Delays) -> tuple[Route, ...]:
    """``/v1/delays``."""

    async def tell(asked: Asked) -> DelayValues:  # noqa: ARG001 - a request without contents
        return delays.values

    async def change(asked: Asked) -> DelayValues:
        given = {name: value for name, value in msgspec.structs.asdict(asked.body).items() if value is not UNSET}
        delays.values = check(msgspec.structs.replace(delays.values, **given))
        return delays.values

    return (Route("GET", "/v1/delays", tell), Route("POST", "/v1/delays", change, DelayChange, settles=True))
