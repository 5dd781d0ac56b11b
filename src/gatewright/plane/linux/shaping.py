"""The ordered bandwidth: how fast an instance may send and be sent to over the leg that its tunnels use.

Each direction is shaped where it is sent into the leg's veth: what leaves at the end in the instance's namespace,
what arrives at the end in the host's. So nothing needs to be sent through an ifb to be shaped on arrival: packets
that come back from one are seen by no netdev ingress chain of nftables, and an interface's counters would tell
what came before the shaper (both measured, Linux 6.18).
"""

from __future__ import annotations

from dataclasses import dataclass

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux.legs import Leg, Legs
from gatewright.plane.linux.names import LAN, WAN, LinkMark, Names
from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.plane.linux.traffic_control import Discipline, SelectiveBucket, TokenBucket
from gatewright.resources.specs import InstanceSpec

#: A whole frame of a link with an MTU of 1,500, in bytes.
_FRAME = 1514
#: How long the queue may get, and how long a burst, in microseconds at the rate.
_QUEUE = 50_000
_BURST = 5_000
#: A burst is at least so many frames: tbf drops what is larger than its burst.
_BURST_FRAMES = 2


@dataclass(frozen=True)
class Shape:
    """The numbers of a shaper."""

    #: Bytes a second.
    rate: int
    #: Microseconds at the rate.
    burst: int
    #: Bytes.
    queue: int


@dataclass(frozen=True)
class Directions:
    """What is to shape the two directions of a leg; None for a leg that is not shaped."""

    #: What the instance sends, at the end in its namespace.
    out: TokenBucket | SelectiveBucket | None
    #: What is sent to it, at the end in the host's namespace.
    into: TokenBucket | SelectiveBucket | None


def shape(bandwidth: int) -> Shape:
    """The numbers for a bandwidth in Mbit/s (10^6 bits).

    The rate is that of frames as the kernel counts them, Ethernet header included, preamble and gap not
    (*assumed*: no document says what the bandwidth counts): a TCP stream in full frames of 1,514 bytes carries
    1,448 / 1,514 = 95.6 % of it, one of UDP in frames of 1,442 bytes 97.1 % (measured).

    The burst is what a busy host needs to keep the rate: it must cover the time that it takes until the kernel comes
    round to sending again. With 5 ms the counters on the wire were within 0.3 % at 10 to 1,000 Mbit/s with both
    cores at 100 % (measured, Linux 6.18). The queue is 50 ms, which costs a stream no throughput at any of these
    rates and keeps what waits in it fresh. Raises PlaneError.
    """
    if bandwidth < 1:
        raise PlaneError(f"a bandwidth is at least 1 Mbit/s, not {bandwidth}")
    rate = bandwidth * 1_000_000 // 8
    burst = max(_BURST, -(-_BURST_FRAMES * _FRAME * 1_000_000 // rate))
    return Shape(rate, burst, (burst + _QUEUE) * rate // 1_000_000)


def wanted(spec: InstanceSpec, leg: str) -> Directions:
    """What is to shape a leg of an instance, ``lan`` or ``wan``.

    A public gateway's tunnels use ``wan``, and all of it is shaped. A private gateway's come in over ``lan``, among
    the VPC's own packets, which were in a tunnel before or will be: there only what the instance itself sends and is
    sent counts (*assumed*).
    """
    numbers = shape(spec.bandwidth)
    if leg == WAN:
        bucket = TokenBucket(numbers.rate, numbers.burst, numbers.queue)
        return Directions(bucket, bucket)
    if spec.public is not None:
        return Directions(None, None)
    packets, address = numbers.queue // _FRAME, spec.private.address
    return Directions(
        SelectiveBucket(numbers.rate, numbers.burst, packets, "source", address),
        SelectiveBucket(numbers.rate, numbers.burst, packets, "destination", address),
    )


def ensure(spec: InstanceSpec, legs: Legs, lan: Leg, wan: Leg | None) -> None:
    """Shape an instance's legs as the spec says; what is right is not touched. Raises PlaneError.

    A shaper that has other numbers is changed: it keeps the packets that wait in it.
    """
    for name, leg in ((LAN, lan), (WAN, wan)):
        if leg is not None:
            directions = wanted(spec, name)
            legs.inside.traffic.set(leg.end.index, directions.out)
            legs.host.traffic.set(leg.outer.index, directions.into)


def fault(spec: InstanceSpec, host: Rtnl, outer: Link, inside: Rtnl) -> str | None:
    """What is wrong with the shaping of the leg that the instance's tunnels use, for people; None if it is right.

    Nothing is changed. ``outer`` is the end in the host's namespace of the leg that :func:`mark` names. Raises
    PlaneError if the kernel does not tell.
    """
    into = host.traffic.read(outer.index)
    out = inside.traffic.read(outer.peer) if outer.peer is not None else None
    return difference(wanted_of(spec), out, into)


def wanted_of(spec: InstanceSpec) -> Directions:
    """What is to shape the leg that the instance's tunnels use. Raises PlaneError."""
    return wanted(spec, LAN if spec.public is None else WAN)


def mark(names: Names, spec: InstanceSpec) -> LinkMark:
    """The leg that the instance's tunnels use."""
    return names.lan(spec.id) if spec.public is None else names.wan(spec.id)


def difference(directions: Directions, out: Discipline, into: Discipline) -> str | None:
    """What is wrong with what was found in the two directions, for people; None if nothing is."""
    for way, ordered, found in (("sends", directions.out, out), ("is sent", directions.into, into)):
        if found != ordered:
            return (
                f"what the instance {way} is not shaped as ordered:"
                f" it should have {ordered or 'no queueing discipline'} and has {found or 'none'}"
            )
    return None
