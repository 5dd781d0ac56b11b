"""In which zones a gateway's vSwitches are made where nobody says."""

from __future__ import annotations

from collections.abc import Sequence

from gatewright.cli.friendly.session import Session
from gatewright.errors import ConfigurationError


def available(session: Session) -> list[str]:
    """The zones of the region that have room for a gateway. Raises Refused, Unreachable."""
    answer = session.call("DescribeVpnGatewayAvailableZones")
    return [str(zone["ZoneId"]) for zone in answer["AvailableZoneIdList"]]


def choose(session: Session, named: Sequence[str], needed: int) -> list[str]:
    """So many zones: those that are named, else the first that have room. Raises ConfigurationError, Refused, ..."""
    if named:
        if len(named) != needed:
            raise ConfigurationError(f"say as many --zone as a gateway here has vSwitches: {needed}, not {len(named)}")
        return list(named)
    free = available(session)
    if not free:
        raise ConfigurationError(
            f"no zone of {session.region} has room for a gateway: delete one, choose another --region, or name --zone"
        )
    # where a region has one zone, both halves go there
    return free[:needed] if len(free) >= needed else [free[0]] * needed
