"""The tunnels of a simulated plane: they are negotiated by themselves, in the time that is set for it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from gatewright.plane.contract import PlaneError, Reveal, Told, unheard, unrevealed
from gatewright.plane.simulated import negotiation
from gatewright.plane.simulated.peers import Behaviour, Peers, Probes, Session
from gatewright.plane.simulated.timing import Change, Timing
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.troubles import Cause, sentence
from gatewright.resources.tunnel_states import (
    BgpStatus,
    HealthStatus,
    Trouble,
    TunnelLine,
    TunnelState,
    TunnelStatus,
)
from gatewright.resources.tunnels import SecretRef, TunnelSpec, negotiated

_NOTHING, _PHASE_1, _ALL = (
    TunnelStatus.IKE_SA_NOT_ESTABLISHED,
    TunnelStatus.IKE_SA_ESTABLISHED,
    TunnelStatus.IPSEC_SA_ESTABLISHED,
)


class RememberedTunnel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tunnel as a plane has it: enough for another plane to go on from."""

    id: str
    #: Of the spec that is loaded; empty while none is.
    digest: str
    status: TunnelStatus
    #: Why it does not carry, if anything keeps it from it.
    trouble: Trouble | None
    behaviour: Behaviour
    #: When phase 1 is agreed and when the negotiation ends, milliseconds of the timing's clock; null once it has.
    middle: int | None
    ends: int | None


@dataclass(slots=True)
class Tunnel:
    """One tunnel that an instance has."""

    instance: InstanceSpec
    spec: TunnelSpec
    digest: str
    behaviour: Behaviour
    status: TunnelStatus = _NOTHING
    trouble: Trouble | None = None
    middle: int | None = None
    ends: int | None = None
    #: The BGP key that it has; None if it needs none, or nobody knew it.
    bgp_key: SecretRef | None = None
    #: When something was steered, began or ended last.
    changed: int = 0
    task: asyncio.Task[None] | None = None

    @property
    def moment(self) -> int | None:
        """What it waits for; None when it waits for nothing."""
        return self.ends if self.middle is None else self.middle

    def state(self, now: int) -> TunnelState:
        """All that is known of it."""
        carries = self.status is _ALL
        bgp, health = BgpStatus.UNKNOWN, HealthStatus.UNKNOWN
        troubles = [] if self.trouble is None else [self.trouble]
        if self.moment is not None:
            troubles.append(Trouble(cause=Cause.NEGOTIATING, at=self.changed))
        if self.spec.bgp is not None:
            speaks = carries and self.bgp_key == self.spec.bgp.key and self.behaviour.bgp is Session.UP
            bgp = BgpStatus.UP if speaks else BgpStatus.DOWN
        if self.spec.health is not None:
            good = carries and self.behaviour.health is Probes.GOOD
            health = HealthStatus.GOOD if good else HealthStatus.FAILED
            if carries and not good:
                about = f"{self.spec.health.destination} is silent"
                troubles.append(Trouble(cause=Cause.HEALTH, at=self.changed, about=about))
        detail = "; ".join(sentence(each) for each in troubles if each.cause != Cause.NEGOTIATING)
        if carries and bgp is BgpStatus.DOWN:
            troubles.append(Trouble(cause=Cause.BGP, at=self.changed))
        return TunnelState(
            id=self.spec.id,
            instance_id=self.instance.id,
            status=self.status,
            bgp=bgp,
            health=health,
            detail=detail,
            at=now,
            troubles=tuple(troubles),
        )


class Tunnels:
    """All tunnels of a plane, by their ids. Used on one event loop."""

    def __init__(self, timing: Timing, peers: Peers) -> None:
        self._timing = timing
        self._peers = peers
        self._told: Told = unheard
        self._reveal: Reveal = unrevealed
        self._tunnels: dict[str, Tunnel] = {}
        #: Those from before whose instance nobody has applied again, by instance.
        self._earlier: dict[str, dict[str, RememberedTunnel]] = {}

    def __len__(self) -> int:
        """How many there are, of whatever instance."""
        return len(self._tunnels) + sum(map(len, self._earlier.values()))

    def open(self, told: Told, reveal: Reveal) -> None:
        """Somebody listens, and knows secrets."""
        self._told, self._reveal = told, reveal

    def close(self) -> None:
        """Nobody does any more: what is under way waits."""
        self._told, self._reveal = unheard, unrevealed
        for tunnel in self._tunnels.values():
            _stop(tunnel)

    def remember(self, instance_id: str, tunnels: Iterable[RememberedTunnel]) -> None:
        """What an instance had, for when it is applied again."""
        self._earlier[instance_id] = {each.id: each for each in tunnels}

    async def apply(self, instance: InstanceSpec) -> None:
        """Have an instance's tunnels be as its spec says: where the ends are to agree upon something else, they do.

        Raises PlaneError when secrets of some are not to be had; what needs none of these comes up.
        """
        earlier = self._earlier.pop(instance.id, {})
        for tunnel in self.of(instance.id):
            if tunnel.spec.id not in {each.id for each in instance.tunnels}:
                _stop(tunnel)
                del self._tunnels[tunnel.spec.id]
        wanted = [(self._known(instance, spec, earlier.get(spec.id)), spec) for spec in instance.tunnels]
        needed = {spec.id: _needed(tunnel, spec) for tunnel, spec in wanted}
        self._adopt(instance, [(tunnel, spec) for tunnel, spec in wanted if not needed[spec.id]])
        left = [(tunnel, spec) for tunnel, spec in wanted if needed[spec.id]]
        references = dict.fromkeys(reference for _, spec in left for reference in needed[spec.id])
        known = await self._reveal(list(references)) if references else {}
        # an instance that went down meanwhile has tunnels that are not these
        left = [(tunnel, spec) for tunnel, spec in left if self._tunnels.get(spec.id) is tunnel]
        self._adopt(instance, left, known)
        if missing := [spec.id for _, spec in left if not known.keys() >= set(needed[spec.id])]:
            raise PlaneError(f"secrets of {', '.join(missing)} are not known: what needs them stays down")

    def break_all(self, instance_id: str, reason: str) -> None:
        """The instance is down, and its tunnels with it, until it is applied again."""
        self._earlier.pop(instance_id, None)
        for tunnel in self.of(instance_id):
            _stop(tunnel)
            tunnel.digest, tunnel.status, tunnel.trouble = "", _NOTHING, self._fault(reason)
            tunnel.middle = tunnel.ends = None
            self._tell(tunnel)

    def drop(self, instance_id: str) -> None:
        """The instance is removed."""
        self._earlier.pop(instance_id, None)
        for tunnel in self.of(instance_id):
            _stop(tunnel)
            del self._tunnels[tunnel.spec.id]

    def behave(self, tunnel: Tunnel, behaviour: Behaviour) -> None:
        """The device at the other end behaves like this from now on. Another answer means another negotiation."""
        before, tunnel.behaviour = tunnel.behaviour, behaviour
        tunnel.changed = self._timing.now()
        if before.peer is not behaviour.peer and tunnel.digest:
            self._end(tunnel)
            self._negotiate(tunnel)
        else:
            self._tell(tunnel)

    def every(self) -> list[Tunnel]:
        """All there are, in the order of their ids."""
        return [self._tunnels[key] for key in sorted(self._tunnels)]

    def of(self, instance_id: str) -> list[Tunnel]:
        """Those of an instance."""
        return [tunnel for tunnel in self._tunnels.values() if tunnel.instance.id == instance_id]

    def timed(self) -> bool:
        """Whether nothing is under way but what only time has to pass for."""
        return all(moment is None or not self._timing.passed(moment) for moment in self._moments())

    def memory(self, instance_id: str) -> list[RememberedTunnel]:
        """An instance's tunnels, for another plane to go on from."""
        known = [
            RememberedTunnel(
                id=each.spec.id,
                digest=each.digest,
                status=each.status,
                trouble=each.trouble,
                behaviour=each.behaviour,
                middle=each.middle,
                ends=each.ends,
            )
            for each in self.of(instance_id)
        ]
        known += self._earlier.get(instance_id, {}).values()
        return sorted(known, key=lambda each: each.id)

    def _moments(self) -> Iterator[int | None]:
        return (tunnel.moment for tunnel in self._tunnels.values())

    def _known(self, instance: InstanceSpec, spec: TunnelSpec, earlier: RememberedTunnel | None) -> Tunnel:
        """The tunnel, made if there is none, as it was before if there was one before."""
        tunnel = self._tunnels.get(spec.id)
        if tunnel is None:
            tunnel = self._tunnels[spec.id] = Tunnel(instance, spec, "", self._peers.behaviour)
            if earlier is not None:
                tunnel.digest, tunnel.behaviour = earlier.digest, earlier.behaviour
                tunnel.status, tunnel.trouble = earlier.status, earlier.trouble
                tunnel.middle, tunnel.ends = earlier.middle, earlier.ends
        return tunnel

    def _adopt(
        self,
        instance: InstanceSpec,
        wanted: Iterable[tuple[Tunnel, TunnelSpec]],
        known: Collection[SecretRef] = (),
    ) -> None:
        """Have tunnels be as their specs say, as far as the secrets that they need are known."""
        for tunnel, spec in wanted:
            anew = tunnel.digest != _digest(spec)
            if anew:
                self._end(tunnel)
            tunnel.instance, tunnel.spec = instance, spec
            key = None if spec.bgp is None else spec.bgp.key
            if key is None or key in known:
                tunnel.bgp_key = key
            if not anew:
                self._tell(tunnel)
                self._go_on(tunnel)
            elif spec.psk in known:
                tunnel.digest = _digest(spec)
                self._negotiate(tunnel)
            else:
                tunnel.digest, tunnel.trouble = "", self._fault("its pre-shared key is not known")
                self._tell(tunnel)

    def _end(self, tunnel: Tunnel) -> None:
        """What stands or is under way goes."""
        _stop(tunnel)
        if tunnel.status is not _NOTHING:
            self._say(tunnel, *negotiation.ended(tunnel.spec, tunnel.behaviour.peer))
        tunnel.status, tunnel.trouble = _NOTHING, None
        tunnel.middle = tunnel.ends = None

    def _negotiate(self, tunnel: Tunnel) -> None:
        now, tunnel.ends = self._timing.now(), self._timing.end_of(Change.TUNNEL)
        tunnel.changed = now
        if negotiation.reaches_phase_2(tunnel.behaviour.peer):
            tunnel.middle = min(tunnel.ends, now + max(0, tunnel.ends - now) // 2)
        self._say(tunnel, negotiation.begun(tunnel.spec))
        self._tell(tunnel)
        self._go_on(tunnel)

    def _go_on(self, tunnel: Tunnel) -> None:
        """Take the steps whose time has come; have a task wait for the next one."""
        _stop(tunnel)
        while (moment := tunnel.moment) is not None:
            if not self._timing.passed(moment):
                tunnel.task = asyncio.get_running_loop().create_task(self._wait(tunnel, moment))
                return
            self._step(tunnel)

    async def _wait(self, tunnel: Tunnel, moment: int) -> None:
        await self._timing.until(moment)
        tunnel.task = None
        self._step(tunnel)
        self._go_on(tunnel)

    def _step(self, tunnel: Tunnel) -> None:
        if tunnel.middle is not None:
            tunnel.middle, tunnel.status = None, _PHASE_1
            self._say(tunnel, negotiation.phase_1_stands(tunnel.spec))
        else:
            tunnel.ends = None
            now, came = self._timing.now(), negotiation.outcome(tunnel.spec, tunnel.behaviour.peer)
            tunnel.status, tunnel.changed = came.status, now
            if came.cause is not None:
                tunnel.trouble = Trouble(cause=came.cause, at=now, line=came.lines[-1])
            self._say(tunnel, *came.lines)
        self._tell(tunnel)

    def _fault(self, why: str) -> Trouble:
        return Trouble(cause=Cause.HOST, at=self._timing.now(), about=why)

    def _tell(self, tunnel: Tunnel) -> None:
        self._told(tunnel.state(self._timing.now()))

    def _say(self, tunnel: Tunnel, *lines: str) -> None:
        for text in lines:
            self._told(TunnelLine(tunnel_id=tunnel.spec.id, at=self._timing.now(), text=text))


def _needed(tunnel: Tunnel, spec: TunnelSpec) -> list[SecretRef]:
    """The secrets that a tunnel needs, to be as a spec says, and does not have."""
    needed = [] if tunnel.digest == _digest(spec) else [spec.psk]
    if spec.bgp is not None and spec.bgp.key not in (None, tunnel.bgp_key):
        needed.append(spec.bgp.key)
    return needed


def _digest(spec: TunnelSpec) -> str:
    """The same for a spec by which the same is negotiated, in other processes too."""
    return hashlib.sha256(msgspec.json.encode(negotiated(spec))).hexdigest()[:16]


def _stop(tunnel: Tunnel) -> None:
    if tunnel.task is not None:
        tunnel.task.cancel()
        tunnel.task = None
