"""How what was seen of tunnels becomes what the API tells of an IPsec connection. Pure: words in, words out."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

from gatewright.resources.statuses import Seen
from gatewright.resources.tunnel_states import BgpStatus, HealthStatus, TunnelStatus


class ConnectionState(enum.StrEnum):
    """``State`` of an IPsec connection, and of each of its tunnels."""

    #: An attachment that nothing has been attached to.
    INIT = "init"
    ACTIVE = "active"
    UPDATING = "updating"


class TunnelWord(NamedTuple):
    """What was last seen of one tunnel."""

    status: TunnelStatus
    bgp: BgpStatus
    health: HealthStatus


#: Nothing is known of a tunnel: nobody has looked, or what was seen was of another time, place or configuration.
UNSEEN = TunnelWord(TunnelStatus.IKE_SA_NOT_ESTABLISHED, BgpStatus.UNKNOWN, HealthStatus.UNKNOWN)
#: From the worst to the best.
_STATUSES = (
    TunnelStatus.IKE_SA_NOT_ESTABLISHED,
    TunnelStatus.IPSEC_SA_NOT_ESTABLISHED,
    TunnelStatus.IKE_SA_ESTABLISHED,
    TunnelStatus.IPSEC_SA_ESTABLISHED,
)
_BGP = (BgpStatus.UNKNOWN, BgpStatus.DOWN, BgpStatus.UP)
_HEALTH = (HealthStatus.UNKNOWN, HealthStatus.FAILED, HealthStatus.GOOD)


def connection_status(tunnels: Iterable[TunnelWord]) -> TunnelWord:
    """What a connection shows: of each the best of its tunnels' (*assumed*), because it carries while one does."""
    seen = tuple(tunnels) or (UNSEEN,)
    return TunnelWord(
        max((each.status for each in seen), key=_STATUSES.index),
        max((each.bgp for each in seen), key=_BGP.index),
        max((each.health for each in seen), key=_HEALTH.index),
    )


def connection_state(instances: Iterable[Seen]) -> ConnectionState:
    """``active`` while every instance that it ends at was seen to run what is wanted; else ``updating``."""
    seen = tuple(instances)
    settled = bool(seen) and all(each.current for each in seen)
    return ConnectionState.ACTIVE if settled else ConnectionState.UPDATING
