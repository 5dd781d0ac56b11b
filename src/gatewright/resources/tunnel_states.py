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


class TunnelLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a tunnel's log, without secrets."""

    tunnel_id: str
    at: Moment
    text: str
