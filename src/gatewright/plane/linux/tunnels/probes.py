"""Health checks of all tunnels of this host, on the event loop: a timer a tunnel, a socket an instance."""

from __future__ import annotations

import asyncio
import functools
import secrets
from collections.abc import Callable
from concurrent.futures import Executor

from gatewright.plane.linux import netns
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.netns import Identity
from gatewright.plane.linux.tunnels.echoes import Echo, Echoes
from gatewright.plane.linux.tunnels.verdict import Verdict
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnel_states import HealthStatus
from gatewright.resources.tunnels import HealthSpec, TunnelSpec

#: How long an answer may take, unless the next probe is sent before, seconds.
_ANSWER = 0.8
#: The shortest time between two probes of a tunnel, whatever anybody says, seconds.
_QUICKEST = 0.05
_SEQUENCES = 1 << 16
#: Identifiers of tunnels' requests: the numbers of tunnels, from here on.
_FIRST = 0xC000


class Probe:
    """One tunnel's. All methods are called on the event loop."""

    def __init__(
        self,
        key: tuple[str, int],
        link: str,
        health: HealthSpec,
        interval: float,
        send: Callable[[str, Echo], bool],
        changed: Callable[[], None],
        *,
        doubtful: bool,
    ) -> None:
        """``changed`` is called when :attr:`status` has changed by what was answered or not.

        ``interval`` is in seconds. ``doubtful``: it may have failed before, so it has to show that it is good.
        """
        #: The id of the instance, and the tunnel's number.
        self.key = key
        self.health = health
        self._link = link
        self._interval = interval
        self._send_echo = send
        self._changed = changed
        self._verdict = Verdict(health.retry, HealthStatus.FAILED if doubtful else HealthStatus.UNKNOWN)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        #: The request that is waited for.
        self._awaited: Echo | None = None
        self._last = Echo(health.source, health.destination, _FIRST + key[1], 0, 0)

    @property
    def status(self) -> HealthStatus:
        return self._verdict.status

    def run(self, *, up: bool) -> None:
        """The tunnel is up from now on, or down: then there is no use in probing."""
        if up and self._timer is None:
            self._send()
        elif not up and self._timer is not None:
            self.stop()
            self._verdict.interrupted()

    def stop(self) -> None:
        """Send nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._awaited = None

    def answered(self, echo: Echo) -> None:
        """An answer has come in: maybe to this one's last request."""
        if echo == self._awaited:
            self._awaited = None
            self._judge(self._verdict.answered)

    def _send(self) -> None:
        now = self._loop.time()
        sequence = (self._last.sequence + 1) % _SEQUENCES
        self._last = self._awaited = self._last._replace(sequence=sequence, cookie=secrets.randbits(64))
        # one that cannot be sent is not answered either
        self._send_echo(self._link, self._last)
        self._timer = self._loop.call_at(now + min(_ANSWER, self._interval), self._expire, now + self._interval)

    def _expire(self, following: float) -> None:
        missed, self._awaited = self._awaited is not None, None
        self._timer = self._loop.call_at(following, self._send)
        if missed:
            self._judge(self._verdict.missed)

    def _judge(self, what: Callable[[], None]) -> None:
        before = self._verdict.status
        what()
        if self._verdict.status is not before:
            self._changed()


class Probes:
    """All methods are called on the event loop."""

    def __init__(self, names: Names, workers: Executor, slowest: float | None = None) -> None:
        """``slowest``: the longest time between two probes of a tunnel, whatever its check says, seconds."""
        self._names = names
        self._workers = workers
        self._slowest = slowest
        self._echoes: dict[str, tuple[Identity | None, Echoes]] = {}
        self._probes: dict[tuple[str, int], Probe] = {}

    async def attend(self, spec: InstanceSpec) -> None:
        """Have a socket in the instance's namespace as it is now, if a tunnel of it has a check. Raises PlaneError."""
        if all(tunnel.health is None for tunnel in spec.tunnels):
            self.forget(spec.id)
            return
        name = self._names.namespace(spec.id)
        identity = netns.identity(name)
        known = self._echoes.get(spec.id)
        if known is not None and known[0] == identity:
            return
        self.forget(spec.id)
        loop = asyncio.get_running_loop()
        echoes = await loop.run_in_executor(self._workers, Echoes, name)
        self._echoes[spec.id] = identity, echoes
        loop.add_reader(echoes.fileno(), self._take, spec.id, echoes)

    def forget(self, instance_id: str) -> None:
        """Let go of an instance's namespace, which would live as long as the socket."""
        known = self._echoes.pop(instance_id, None)
        if known is not None:
            asyncio.get_running_loop().remove_reader(known[1].fileno())
            known[1].close()

    def close(self) -> None:
        """Send nothing more."""
        for probe in self._probes.values():
            probe.stop()
        self._probes.clear()
        for instance_id in tuple(self._echoes):
            self.forget(instance_id)

    def begin(
        self, instance_id: str, tunnel: TunnelSpec, health: HealthSpec, changed: Callable[[], None], *, doubtful: bool
    ) -> Probe:
        """The probe of a tunnel that has none; the rest as of :class:`Probe`."""
        interval = health.interval if self._slowest is None else min(health.interval, self._slowest)
        interval = max(interval, _QUICKEST)
        send = functools.partial(self._send, instance_id)
        key = instance_id, tunnel.number
        probe = self._probes[key] = Probe(key, tunnel.link, health, interval, send, changed, doubtful=doubtful)
        return probe

    def end(self, probe: Probe) -> None:
        """Probe a tunnel no longer."""
        probe.stop()
        if self._probes.get(probe.key) is probe:
            del self._probes[probe.key]

    def _send(self, instance_id: str, link: str, echo: Echo) -> bool:
        known = self._echoes.get(instance_id)
        return known is not None and known[1].send(link, echo)

    def _take(self, instance_id: str, echoes: Echoes) -> None:
        for echo in echoes.take():
            probe = self._probes.get((instance_id, echo.identifier - _FIRST))
            if probe is not None:
                probe.answered(echo)
