"""One tunnel, looked after on the event loop: what is wanted is loaded, what charon tells is told on.

Level-triggered: an event of charon's only says that it is time to look. What is looked at is charon's list of SAs; what
follows from it is whether the link is up, the tunnel's state, and whether it is time to negotiate.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from gatewright.plane.contract import PlaneError, Reveal, Told
from gatewright.plane.linux.bird_client import Session
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.tunnels import seen
from gatewright.plane.linux.tunnels.daemon import Daemon
from gatewright.plane.linux.tunnels.lines import Lines
from gatewright.plane.linux.tunnels.pace import Pace
from gatewright.plane.linux.tunnels.patience import Patience
from gatewright.plane.linux.tunnels.reliance import Reliance
from gatewright.plane.linux.tunnels.seen import Seen
from gatewright.plane.linux.tunnels.troubles import ON_THE_SIDE, Troubles
from gatewright.plane.linux.vici_conn import Section, child_names, connection_name, shared_key
from gatewright.plane.linux.vici_session import ViciRefusal, ViciSession
from gatewright.resources import algorithms
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.troubles import Cause, sentence
from gatewright.resources.tunnel_states import BgpStatus, HealthStatus, Trouble, TunnelState, TunnelStatus
from gatewright.resources.tunnels import TunnelSpec, negotiated

_log = logging.getLogger(__name__)

#: In the tunnel's folder: digests of what its charon was told last.
_NOTE = "loaded"
#: How long a charon may take until it can be spoken to, and how long a peer to say that it has heard that a tunnel
#: ends, seconds.
_PATIENCE = 5.0
_FAREWELL = 0.5
#: How soon what has failed is tried again, and how often a tunnel is looked at though nothing was told, seconds.
_AGAIN = 1.0
_SWEEP = 30.0
#: Looks a second in the long run, and at once: a negotiation takes fewer, and who has the peer's address could have
#: charon tell something thousands of times a second.
_LOOKS = (50.0, 100.0)
#: A charon that ends by itself is started again at once, and then after so long at first, and at the longest; one that
#: has lived for so long begins anew, seconds.
_MENDS = (0.2, 30.0, 60.0)
#: For how long a tunnel is negotiated after there was traffic for it last, seconds.
_DEMANDED = 30.0

Connection = Callable[[InstanceSpec, TunnelSpec], Section]


class Loaded(NamedTuple):
    """Digests of what a charon is told. Of the key its version is in them, and it itself is not."""

    #: Of what is negotiated: SAs stand while this is the same.
    agreed: str
    all: str


class Keeper:
    """All methods are called on the event loop."""

    def __init__(
        self,
        instance: InstanceSpec,
        tunnel: TunnelSpec,
        folder: Folder,
        connection: Connection,
        relied_on: Callable[[Callable[[], None]], Reliance],
        told: Told,
        reveal: Reveal,
    ) -> None:
        self.instance = instance
        self.tunnel = tunnel
        self.daemon: Daemon | None = None
        self._folder = folder
        self._connection = connection
        self._told = told
        self._reveal = reveal
        self._lines = Lines(tunnel.id, told)
        self._patience = Patience()
        #: For starting again a charon that ends by itself.
        self.mends = Patience(*_MENDS)
        self._wake = asyncio.Event()
        self._pace = Pace(*_LOOKS, asyncio.get_running_loop().time())
        self._reliance = relied_on(self._wake.set)
        self._session: ViciSession | None = None
        #: What charon is to be told, once it was worked out, and what the charon of the session has been told.
        self._digests: Loaded | None = None
        self._loaded: Loaded | None = None
        #: What it had been told when the tunnel's state was told last.
        self._followed: Loaded | None = None
        self._in_force: asyncio.Future[None] | None = None
        self._troubles = Troubles(tunnel)
        self._was_up = False
        #: When there was traffic for it last.
        self._demanded = float("-inf")
        self._state: TunnelState | None = None
        #: What of it was told that its log does not say.
        self._hindrance: Trouble | None = None
        #: Whether a CHILD SA was seen last; None if nothing was since its charon began.
        self._carries: bool | None = None
        #: Why its charon could not be told of it.
        self._obstacle = ""
        #: The session with the customer, as BIRD told it last; None while nobody has asked.
        self._bgp: Session | None = None
        self._bgp_status = BgpStatus.UNKNOWN
        self._task = asyncio.ensure_future(self._look_for_ever())

    def attend(self, daemon: Daemon) -> None:
        """Speak to this charon from now on; it tells this keeper what it tells."""
        # also one that was replaced, and was not seen to end
        self._let_go()
        self.daemon = daemon
        self._patience.begin_anew()
        self._wake.set()

    def touched(self) -> None:
        """Its link may be another than it was, or may have been set by somebody."""
        self._reliance.doubt()
        self._wake.set()

    def want(self, instance: InstanceSpec, tunnel: TunnelSpec) -> None:
        """The tunnel is to be like this."""
        legs = instance.public, instance.private
        news = tunnel != self.tunnel or legs != (self.instance.public, self.instance.private)
        self.instance, self.tunnel = instance, tunnel
        self._troubles.tunnel = tunnel
        if news:
            self._digests = None
            self._patience.begin_anew()
            self._wake.set()

    def demand(self) -> None:
        """There is traffic for it."""
        clock = asyncio.get_running_loop().time()
        if clock - self._demanded > _DEMANDED and not self._reliance.up:
            self._wake.set()
        self._demanded = clock

    async def in_force(self, seconds: float) -> None:
        """Wait until charon has what is wanted and its state is told. Raises PlaneError with why it has not."""
        if self._followed == self._wanted() and self.daemon is not None and self.daemon.session is self._session:
            return
        self._in_force = waiting = asyncio.get_running_loop().create_future()
        self._wake.set()
        try:
            # the task ends by itself only if it is broken: then it says why
            done, _ = await asyncio.wait({waiting, self._task}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise PlaneError(f"tunnel {self.tunnel.id}: charon has not taken it within {seconds:.0f} s")
            done.pop().result()
        finally:
            self._in_force = None

    async def close(self) -> None:
        """Look after it no longer; it stays as it is."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self.daemon is not None:
            await self.daemon.close()
        self._reliance.close()

    def lost(self, why: str, *, may_carry: bool = False) -> None:
        """It has no charon. Unless what that has left ``may_carry`` until there is one again, its link goes down."""
        self._let_go()
        self._carries = None if may_carry else False
        self._tell(TunnelStatus.IKE_SA_NOT_ESTABLISHED, _fault(why))
        self._wake.set()

    def _let_go(self) -> None:
        """Take nothing for known any more. If the tunnel was up, nobody waits for traffic until it is again."""
        if self._was_up:
            self._demanded = asyncio.get_running_loop().time()
        self._session = self._loaded = self._followed = self._carries = None
        self._reliance.lost()
        self._troubles.forget()

    def bgp_seen(self, session: Session | None) -> None:
        """What BIRD tells of the session with the customer; None if it is not there."""
        before, self._bgp = self._bgp, session
        first = self._bgp_status is BgpStatus.UNKNOWN
        self._bgp_status = BgpStatus.UP if session is not None and session.up else BgpStatus.DOWN
        told = _of_session(session)
        if told and (first or told != _of_session(before)):
            self._lines.add(told)
        if self._state is not None:
            self._tell_again()

    # what the daemon tells

    def changed(self) -> None:
        self._wake.set()

    def logged(self, text: str) -> None:
        # what more is said than anybody could read is said at the peer's will, and read by nobody
        if self._lines.add(text) and self._troubles.hear(text):
            self._wake.set()

    # looking

    async def _look_for_ever(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._pace.left(clock()))
            self._pace.take(clock())
            self._wake.clear()
            try:
                wait = await self._look()
            except asyncio.CancelledError:
                raise
            except (OSError, ViciRefusal, PlaneError) as error:
                self._failed(error)
                wait = _AGAIN
            except Exception as error:
                _log.exception("looking after tunnel %s failed", self.tunnel.id)
                self._failed(error)
                wait = _AGAIN
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                # nobody has told anything: somebody may have changed the link by hand
                self._reliance.doubt()

    def _failed(self, error: Exception) -> None:
        if self._state is None:
            self._tell(TunnelStatus.IKE_SA_NOT_ESTABLISHED, _fault(str(error)))
        if self._in_force is not None and not self._in_force.done():
            self._in_force.set_exception(PlaneError(f"tunnel {self.tunnel.id}: {error}"))

    async def _look(self) -> float:
        """Gives how long it may be left alone, if nothing is told before."""
        session = None if self.daemon is None else self.daemon.session
        if session is None:
            # it tells when there is one
            return await self._follow_health()
        instance, tunnel = self.instance, self.tunnel
        if session is not self._session:
            self._loaded = await self._what_is_loaded(session)
            self._session = session
            self._reliance.doubt()
        wanted = self._wanted()
        if self._loaded != wanted:
            try:
                await self._load(session, instance, tunnel, wanted)
            except Exception as error:
                # what charon was told before goes on, and is followed whoever is away
                self._obstacle = str(error)
                await self._follow(await self._see(session))
                raise
            self._obstacle = ""
        if self._loaded != self._wanted():
            return 0.0  # something else is wanted by now
        now = await self._see(session)
        hold = await self._follow(now)
        if self._loaded != self._wanted():
            return 0.0  # something else has come to be wanted while it was looked at
        self._followed = self._loaded
        # whoever waits for it does not find the state told that was before
        if self._in_force is not None and not self._in_force.done():
            self._in_force.set_result(None)
        wait = await self._negotiate(session, now)
        return wait if hold is None else min(wait, hold)

    def _wanted(self) -> Loaded:
        """What charon is to be told."""
        if self._digests is None:
            self._digests = Loaded(self._digest(negotiated(self.tunnel)), self._digest(self.tunnel))
        return self._digests

    def _digest(self, tunnel: TunnelSpec) -> str:
        told = (self._connection(self.instance, tunnel), tunnel.psk, self.instance.id)
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()

    async def _what_is_loaded(self, session: ViciSession) -> Loaded | None:
        """What this charon was told, maybe by an earlier agent; VICI tells too little of it to compare."""
        name = connection_name(self.tunnel)
        conns = await session.command("get-conns")
        keys = await session.command("get-shared")
        if name.encode() not in conns.get("conns", ()) or name.encode() not in keys.get("keys", ()):
            return None
        try:
            agreed, all_of_it = (self._folder.path / _NOTE).read_text().split()
        except (OSError, ValueError):
            return None
        return Loaded(agreed, all_of_it)

    async def _load(self, session: ViciSession, instance: InstanceSpec, tunnel: TunnelSpec, wanted: Loaded) -> None:
        name = connection_name(tunnel)
        anew = self._loaded is None or self._loaded.agreed != wanted.agreed
        psk = (await self._reveal([tunnel.psk])).get(tunnel.psk) if anew else None
        if anew and psk is None:
            raise PlaneError(f"its pre-shared key {tunnel.psk.id}, version {tunnel.psk.version}, is not known")
        # what it says is not so any more, until all of it is loaded
        self._loaded = None
        with step(f"removing {self._folder.path / _NOTE}"):
            (self._folder.path / _NOTE).unlink(missing_ok=True)
        if psk is not None:
            await session.command("load-shared", shared_key(tunnel, psk))
        await session.command("load-conn", self._connection(instance, tunnel))
        # SAs go on as they were agreed, whatever is loaded: with the old proposal, subnets and key
        if anew and (before := await self._sas(session)):
            await end(session, name)
            self._demanded = asyncio.get_running_loop().time()
            # it refuses also what has gone by itself
            if seen.standing(before, name) & seen.standing(await self._sas(session), name):
                raise PlaneError(f"charon does not end what {name} had agreed upon before")
        self._loaded = wanted
        try:
            self._folder.write(_NOTE, " ".join(wanted).encode())
        except PlaneError as error:
            # the next agent will load it again, which takes the tunnel down for a moment; nothing else depends on it
            _log.warning("tunnel %s: %s", tunnel.id, error)
        if anew:
            if words := weak_words(tunnel):
                self._lines.warn(f"{', '.join(words)} can be broken; choose stronger ones on both sides")
            self._troubles.want(tunnel)

    async def _see(self, session: ViciSession) -> Seen:
        return seen.seen(await self._sas(session), connection_name(self.tunnel))

    async def _sas(self, session: ViciSession) -> list[Mapping[str, Any]]:
        """What charon lists of the tunnel."""
        return await session.listing("list-sas", "list-sa", {"ike": connection_name(self.tunnel)})

    async def _follow(self, now: Seen) -> float | None:
        """Have the link and what is told follow what was seen. Gives when it is time again, if it is."""
        if (session := self._session) is None:
            # whose it was has ended since
            return None
        up, clock = bool(now.children), asyncio.get_running_loop().time()
        self._carries = up
        hold = await self._reliance.follow(self.instance, self.tunnel, up=up)
        if self._session is not session:
            return None
        if up:
            self._patience.is_up(clock)
            self._was_up = True
            self._troubles.forget()
        else:
            self._patience.is_down(clock)
        self._troubles.settle(established=now.established, was_up=self._was_up)
        if not now.established:
            self._was_up = False
        failed = self._was_up or self._troubles.phase_2
        self._tell(seen.status(now, phase_2_failed=failed), self._obstruction(now))
        return hold

    async def _follow_health(self) -> float:
        """The same while charon cannot be asked: what probes find may be all that is known."""
        if self._carries is None or self._state is None:
            return _SWEEP
        hold = await self._reliance.follow(self.instance, self.tunnel, up=self._carries)
        self._tell_again()
        return _SWEEP if hold is None else min(_SWEEP, hold)

    def _obstruction(self, now: Seen) -> Trouble | None:
        """Why it does not carry, but for what was read in the log."""
        if now.children:
            return None
        if self._obstacle:
            return _fault(self._obstacle)
        if self._troubles.failed:
            return None
        begins = self.tunnel.initiate or now.connecting
        return Trouble(cause=Cause.NEGOTIATING if begins else Cause.NOT_BEGUN, at=_now())

    def _tell_again(self) -> None:
        """Its session or its health may be another; what its charon was last seen to have is the same."""
        if self._state is not None:
            self._tell(self._state.status, self._hindrance)

    def _tell(self, status: TunnelStatus, hindrance: Trouble | None) -> None:
        self._hindrance = hindrance
        at = _now()
        up = status is TunnelStatus.IPSEC_SA_ESTABLISHED
        # nothing is answered through one that is down
        health = self._reliance.health if up or self.tunnel.health is None else HealthStatus.FAILED
        bgp = BgpStatus.UNKNOWN if self.tunnel.bgp is None else self._bgp_status
        troubles = self._troubles.now(at, hindrance, carries=up, bgp=bgp, session=self._bgp, health=health)
        state = TunnelState(
            id=self.tunnel.id,
            instance_id=self.instance.id,
            status=status,
            bgp=bgp,
            health=health,
            detail=next((sentence(each) for each in troubles if each.cause not in ON_THE_SIDE), ""),
            at=at,
            troubles=troubles,
            learned=self._bgp.routes if self._bgp is not None and bgp is BgpStatus.UP else (),
        )
        if self._state is None or msgspec.structs.replace(self._state, at=at) != state:
            self._state = state
            self._told(state)

    async def _negotiate(self, session: ViciSession, now: Seen) -> float:
        missing = [child for child in child_names(self.tunnel) if child not in now.children]
        clock = asyncio.get_running_loop().time()
        demanded = self.tunnel.initiate or clock - self._demanded <= _DEMANDED
        if not missing or not demanded:
            return _SWEEP
        if (left := self._patience.left(clock)) > 0:
            return left
        if not now.connecting:
            for child in missing:
                # at once: what becomes of it, events tell
                message = {"ike": connection_name(self.tunnel), "child": child, "timeout": "-1"}
                await session.command("initiate", message)
        self._patience.tried(clock)
        return self._patience.left(clock)


def weak_words(tunnel: TunnelSpec) -> list[str]:
    """The algorithms that it is to use and better should not, in the API's words. Pure."""
    ike, ipsec = tunnel.ike, tunnel.ipsec
    used = (ike.encryption, ike.authentication, ike.group, ipsec.encryption, ipsec.authentication, ipsec.group)
    return [word for word in dict.fromkeys(used) if word in algorithms.WEAK]


def _of_session(session: Session | None) -> str:
    """A line of the tunnel's log."""
    if session is None:
        return ""
    if session.up:
        return f"BGP session with {session.neighbour} is up"
    return f"BGP session with {session.neighbour} is down" + (f": {session.last_error}" if session.last_error else "")


def _fault(why: str) -> Trouble:
    return Trouble(cause=Cause.HOST, at=_now(), about=why)


def _now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


async def end(session: ViciSession, connection: str) -> None:
    """Take down all SAs of a connection, also if its peer does not answer."""
    message = {"ike": connection, "force": "yes", "timeout": str(int(_FAREWELL * 1000)), "loglevel": "-1"}
    with contextlib.suppress(ViciRefusal):  # it has gone by itself
        await session.command("terminate", message, _PATIENCE)
