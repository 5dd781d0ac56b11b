"""What is wrong with one tunnel now, and since when: from its log, its session of BGP and its health check."""

from __future__ import annotations

import time

import msgspec

from gatewright.plane.linux.bird_client import Session
from gatewright.plane.linux.tunnels import causes
from gatewright.plane.linux.tunnels.causes import Read, Reader
from gatewright.resources.troubles import MEANINGS, OF_BGP, VAGUE, Cause
from gatewright.resources.tunnel_states import BgpStatus, HealthStatus, Trouble
from gatewright.resources.tunnels import TunnelSpec

#: For how long what says more of a failure stands before what says less: both sides may be trying, and only one of them
#: sees what differs. Seconds.
_TELLING = 60.0
#: Worth knowing of a tunnel, but none of why it does not carry.
_NOTES = (Cause.NAT, Cause.LIFETIME)
#: Besides, what has a field of its own in a tunnel's state.
ON_THE_SIDE = (*_NOTES, *OF_BGP)


class Troubles:
    """Called on the event loop."""

    def __init__(self, tunnel: TunnelSpec) -> None:
        #: As it is wanted now.
        self.tunnel = tunnel
        self._reader = Reader(tunnel)
        self._failure: Read | None = None
        self._failed_at = float("-inf")
        self._notes: dict[Cause, Read] = {}
        #: As they were told last.
        self._told: tuple[Trouble, ...] = ()

    def want(self, tunnel: TunnelSpec) -> None:
        """Charon has been told of this tunnel instead: whatever was wrong may be mended."""
        self.tunnel, self._reader = tunnel, Reader(tunnel)
        self._notes.clear()
        self._told = ()
        self.forget()

    def forget(self) -> None:
        """It carries, or its charon is another one: what failed is over."""
        self._failure, self._failed_at = None, float("-inf")

    def hear(self, line: str) -> bool:
        """Read a line of charon's log. Whether it says anything of what is wrong."""
        found = self._reader.read(line)
        if found is None:
            return False
        if found.cause in _NOTES:
            self._notes[found.cause] = found
            return True
        clock = time.monotonic()
        more = self._failure is not None and bool(self._failure.theirs)
        if more and found.cause in VAGUE and clock - self._failed_at < _TELLING:
            return False
        self._failure, self._failed_at = found, clock
        return True

    def settle(self, *, established: bool, was_up: bool) -> None:
        """What failed last means what it means at this point of the negotiation."""
        if self._failure is not None:
            self._failure = causes.within(self._failure, established=established, was_up=was_up)

    @property
    def failed(self) -> bool:
        return self._failure is not None

    @property
    def phase_2(self) -> bool:
        """Whether it is phase 2 that failed."""
        return self._failure is not None and MEANINGS[self._failure.cause].phase_2

    def now(
        self,
        at: int,
        hindrance: Trouble | None,
        *,
        carries: bool,
        bgp: BgpStatus,
        session: Session | None,
        health: HealthStatus,
    ) -> tuple[Trouble, ...]:
        """All that is wrong at a time, the gravest first, each since it has been so.

        ``hindrance`` is what its keeper knows of why it does not carry.
        """
        found = [] if hindrance is None else [hindrance]
        if self._failure is not None and not carries and hindrance is None:
            found.append(_of(self._failure, at))
        if carries and bgp is BgpStatus.DOWN:
            found.append(_of_session(session, at))
        if carries and health is HealthStatus.FAILED and self.tunnel.health is not None:
            found.append(Trouble(cause=Cause.HEALTH, at=at, about=f"{self.tunnel.health.destination} is silent"))
        found += [_of(read, at) for read in self._notes.values()]
        before = {_identity(each): each for each in self._told}
        self._told = tuple(before.get(_identity(each), each) for each in found)
        return self._told


def _identity(trouble: Trouble) -> Trouble:
    """The same for what is still the same trouble: when it began and the words it was logged in do not count."""
    return msgspec.structs.replace(trouble, at=0, line="")


def _of(read: Read, at: int) -> Trouble:
    return Trouble(cause=read.cause, at=at, line=read.line, ours=read.ours, theirs=read.theirs)


def _of_session(session: Session | None, at: int) -> Trouble:
    if session is None:
        return Trouble(cause=Cause.BGP, at=at, about="BIRD does not run")
    error = session.last_error
    cause = Cause.BGP
    if "bad peer as" in error.lower():
        # who receives that of the other one has told it the wrong number
        cause = Cause.BGP_LOCAL_ASN if error.startswith("Received") else Cause.BGP_PEER_ASN
    return Trouble(cause=cause, at=at, line=error, about=error)
