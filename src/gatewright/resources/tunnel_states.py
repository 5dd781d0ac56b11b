"""What was seen of a tunnel, and what it told: from a plane, over the link, into statuses and logs."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec

#: Milliseconds since the epoch: what a date can tell.
Moment = Annotated[int, msgspec.Meta(ge=0, le=2**47)]


class TunnelStatus(enum.StrEnum):
    """``Status`` of an IPsec connection and of a tunnel: how far the negotiation got."""

    #: Nothing is agreed; also while nobody has looked.
    IKE_SA_NOT_ESTABLISHED = "ike_sa_not_established"
    IKE_SA_ESTABLISHED = "ike_sa_established"
    #: Phase 1 stands and phase 2 was refused, or has gone.
    IPSEC_SA_NOT_ESTABLISHED = "ipsec_sa_not_established"
    IPSEC_SA_ESTABLISHED = "ipsec_sa_established"


class BgpStatus(enum.StrEnum):
    """The session with the customer."""

    UNKNOWN = ""
    DOWN = "false"
    UP = "success"


class HealthStatus(enum.StrEnum):
    """What the probes through a tunnel found."""

    UNKNOWN = ""
    FAILED = "failed"
    GOOD = "success"


#: Troubles that are told of one tunnel, at the most.
MOST_TROUBLES = 8


class Trouble(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that is wrong with a tunnel, or worth knowing of it; see :mod:`gatewright.resources.troubles`."""

    #: A ``Cause``.
    cause: str
    #: Since when it has been so.
    at: Moment
    #: What a daemon said of it.
    line: str = ""
    #: Where the two sides differ: the value here, and the peer's, in the API's words. Empty if that is not known.
    ours: str = ""
    theirs: str = ""
    #: What else is known of just this case, for people.
    about: str = ""


#: Routes that a customer announces which are told of one tunnel, at the most.
MOST_LEARNED_TOLD = 100


class LearnedRoute(msgspec.Struct, frozen=True, gc=False):
    """What a customer announces by BGP inside a tunnel, and the instance has taken."""

    destination: str
    #: AS numbers, the nearest first, with blanks between.
    as_path: str = ""
    #: ``(65010,7) (65010,8)``.
    community: str = ""
    #: Since when it has been announced like this; 0 if that is not known.
    at: Moment = 0


class TunnelState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that a plane knows of one tunnel at one moment."""

    id: str
    instance_id: str
    status: TunnelStatus
    bgp: BgpStatus = BgpStatus.UNKNOWN
    health: HealthStatus = HealthStatus.UNKNOWN
    #: Why it does not carry, for people, in one line; empty if it does.
    detail: str = ""
    #: Milliseconds since the epoch, by the host's clock.
    at: Moment
    #: What is wrong with it, the gravest first. Of an agent that does not tell, nothing is known but ``detail``.
    troubles: Annotated[tuple[Trouble, ...], msgspec.Meta(max_length=MOST_TROUBLES)] = ()
    #: What the customer announces now, by destination.
    learned: Annotated[tuple[LearnedRoute, ...], msgspec.Meta(max_length=MOST_LEARNED_TOLD)] = ()
    #: When it was told by a host that has a clock of its own, by that clock; 0 if it has none, or does not tell.
    told_at: Moment = 0


class TunnelLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a tunnel's log, without secrets."""

    tunnel_id: str
    at: Moment
    text: str
