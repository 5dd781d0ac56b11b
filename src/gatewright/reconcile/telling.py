"""The events that tell of a resource's row. Who adds them has changed the row's status in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable

from gatewright.resources.events import Event, Subject
from gatewright.resources.specs import Phase
from gatewright.store.connections import ConnectionRow
from gatewright.store.gateways import GatewayRow
from gatewright.store.placements import PlacementRow
from gatewright.store.vpcs import VpcRow
from gatewright.store.vswitches import VSwitchRow

#: Characters of what a host says of an item, in an event.
LONGEST_REASON = 500


def of_gateway(row: GatewayRow, after: str, now: int, text: str = "", *, new: bool = False) -> Event:
    """A gateway's status became ``after``; ``row`` is as it was before. ``now``: milliseconds since the epoch."""
    return _event(Subject.VPN_GATEWAY, row, after, now, text, new)


def of_vswitch(row: VSwitchRow, after: str, now: int, text: str = "", *, new: bool = False) -> Event:
    """The same of a vSwitch."""
    return _event(Subject.VSWITCH, row, after, now, text, new)


def of_vpc(row: VpcRow, before: str | None, after: str, now: int, text: str = "") -> Event:
    """The same of a VPC, whose status no row has."""
    return Event(row.account_id, row.region_id, now, Subject.VPC.value, row.id, before, after, text)


def of_connection(row: ConnectionRow, before: str | None, after: str, now: int, text: str = "") -> Event:
    """The same of an IPsec connection, whose ``Status`` its tunnels' rows have."""
    subject = Subject.VPN_CONNECTION.value
    return Event(row.account_id, row.region_id, now, subject, row.id, before, str(after), text)


def _event(subject: Subject, row: GatewayRow | VSwitchRow, after: str, now: int, text: str, new: bool) -> Event:
    before = None if new else str(row.status)
    return Event(row.account_id, row.region_id, now, subject.value, row.id, before, str(after), text)


def trouble(placed: Iterable[PlacementRow]) -> str:
    """What is wrong with a resource's items, as their hosts say; empty if nothing is."""
    return "; ".join(
        f"{row.item_id} on host {row.host_id}"
        f"{' failed' if row.phase == Phase.FAILED else ''}: {row.detail[:LONGEST_REASON]}"
        for row in placed
        if row.detail
    )
