"""How far one tunnel can be relied on, said by its link: by what charon and probes tell, and what was before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from gatewright.plane.linux.tunnels import marks
from gatewright.plane.linux.tunnels.links import LinkState
from gatewright.plane.linux.tunnels.probes import Probe, Probes
from gatewright.plane.linux.tunnels.steadiness import Steadiness
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnel_states import HealthStatus
from gatewright.resources.tunnels import TunnelSpec


class Links(Protocol):
    """:class:`~gatewright.plane.linux.tunnels.links.TunnelLinks`, off the event loop."""

    async def set(self, spec: InstanceSpec, tunnel: TunnelSpec, wanted: LinkState, /) -> bool: ...

    async def look(self, spec: InstanceSpec, tunnel: TunnelSpec, /) -> LinkState | None: ...


class Reliance:
    """All methods are called on the event loop."""

    def __init__(self, links: Links, probes: Probes, changed: Callable[[], None]) -> None:
        """``changed`` is called when it is time to :meth:`follow` again, because of what probes have found."""
        self._links = links
        self._probes = probes
        self._changed = changed
        #: How the link was set last; None if that may not hold any more.
        self._link: LinkState | None = None
        #: None until the link was looked at, which an earlier agent may have set.
        self._steadiness: Steadiness | None = None
        self._probe: Probe | None = None

    @property
    def health(self) -> HealthStatus:
        return HealthStatus.UNKNOWN if self._probe is None else self._probe.status

    @property
    def up(self) -> bool:
        """Whether the link is up, as far as is known."""
        return self._link is not None and self._link.up

    async def follow(self, instance: InstanceSpec, tunnel: TunnelSpec, *, up: bool) -> float | None:
        """Have the link say it; ``up``: a CHILD SA carries.

        Gives in how many seconds that changes by itself, if it does. Raises PlaneError.
        """
        steadiness = self._steadiness
        if steadiness is None:
            # goes on as it is found: an agent that starts anew moves no traffic
            found = await self._links.look(instance, tunnel) or LinkState()
            steadiness = self._steadiness = Steadiness(doubtful=found.up and not found.steady)
            self._follow_check(instance, tunnel, doubtful=found.up and not found.usable)
        self._follow_check(instance, tunnel)
        usable = up and not (marks.checked(tunnel) and self.health is HealthStatus.FAILED)
        left = 0.0
        if usable:
            left = steadiness.good(asyncio.get_running_loop().time())
        else:
            steadiness.bad(asyncio.get_running_loop().time())
        wanted = LinkState(up, usable, usable and left == 0)
        if wanted != self._link:
            await self._set(instance, tunnel, wanted)
        if self._probe is not None:
            self._probe.run(up=up)
        return left or None

    async def _set(self, instance: InstanceSpec, tunnel: TunnelSpec, wanted: LinkState) -> None:
        # before: whoever doubts it meanwhile knows more than what is under way
        self._link = wanted
        there = False
        try:
            there = await self._links.set(instance, tunnel, wanted)
        finally:
            if not there:
                self._link = None

    def doubt(self) -> None:
        """The link may be another one, or somebody may have changed it."""
        self._link = None

    def lost(self) -> None:
        """The charon has ended: the link has gone with it, or carries what nobody negotiates anew."""
        self._link = None
        if self._steadiness is not None:
            self._steadiness.bad(asyncio.get_running_loop().time())
        if self._probe is not None:
            self._probe.run(up=False)

    def close(self) -> None:
        """Probe no longer. The link stays as it is."""
        if self._probe is not None:
            self._probes.end(self._probe)
            self._probe = None

    def _follow_check(self, instance: InstanceSpec, tunnel: TunnelSpec, *, doubtful: bool = False) -> None:
        """Have the probe that the tunnel is to have; one that is right goes on."""
        if self._probe is not None and self._probe.health != tunnel.health:
            self._probes.end(self._probe)
            self._probe = None
        if self._probe is None and tunnel.health is not None:
            self._probe = self._probes.begin(instance.id, tunnel, tunnel.health, self._changed, doubtful=doubtful)
