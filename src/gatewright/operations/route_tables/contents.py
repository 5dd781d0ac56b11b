"""What is in a route table: the entries that people made, and those that follow from the VPC.

A table has a ``local`` entry for every vSwitch of its VPC and a ``service`` entry for the cloud's own services. There
are few of both kinds (custom ones have a quota), so they are listed in memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from typing import NamedTuple

from gatewright.operations.call import Call
from gatewright.resources.routes import SERVICE_NETWORK, system_entry_id
from gatewright.store import route_tables, vswitches
from gatewright.store.route_tables import RouteEntryRow, RouteTableRow
from gatewright.store.vswitches import VSwitchRow

#: The types of entries. ``BGP``, ``CEN`` and ``ECR`` are the API's too, and nothing here makes such.
SYSTEM, CUSTOM = "System", "Custom"
ENTRY_TYPES = (CUSTOM, SYSTEM, "BGP", "CEN", "ECR")
#: Tables and entries are there at once, whole.
AVAILABLE = "Available"


class Entry(NamedTuple):
    """One entry of a table, of either type."""

    id: str
    route_table_id: str
    type: str
    destination: str
    next_hop_type: str
    #: Empty for a system entry.
    next_hop_id: str
    name: str
    description: str
    #: Milliseconds since the epoch.
    modified_at: int

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in its table: system entries by destination, then custom ones, oldest first."""
        return ("0" if self.type == SYSTEM else "1", self.id)


def entries_of(call: Call, tables: Sequence[RouteTableRow]) -> dict[str, list[Entry]]:
    """All entries of some tables, by the table's id, in order."""
    found: dict[str, list[Entry]] = {table.id: [] for table in tables}
    inside: dict[str, list[VSwitchRow]] = defaultdict(list)
    for vswitch in vswitches.of_vpcs(call.transaction, sorted({table.vpc_id for table in tables})):
        inside[vswitch.vpc_id].append(vswitch)
    for table in tables:
        found[table.id] += _system_entries(table, inside[table.vpc_id])
    for row in route_tables.entries(call.transaction, list(found)):
        found[row.route_table_id].append(_custom_entry(row))
    return {table_id: sorted(entries, key=lambda entry: entry.place) for table_id, entries in found.items()}


def _custom_entry(row: RouteEntryRow) -> Entry:
    return Entry(
        id=row.id,
        route_table_id=row.route_table_id,
        type=CUSTOM,
        destination=row.destination,
        next_hop_type=row.next_hop_type,
        next_hop_id=row.next_hop_id,
        name=row.name,
        description=row.description,
        modified_at=row.modified_at,
    )


def _system_entries(table: RouteTableRow, inside: Sequence[VSwitchRow]) -> Iterator[Entry]:
    yield _system_entry(table, SERVICE_NETWORK, "service", table.created_at)
    for vswitch in inside:
        since = max(table.created_at, vswitch.created_at)
        yield _system_entry(table, IPv4Network(vswitch.cidr_block), "local", since)


def _system_entry(table: RouteTableRow, destination: IPv4Network, next_hop_type: str, since: int) -> Entry:
    return Entry(
        id=system_entry_id(table.id, destination),
        route_table_id=table.id,
        type=SYSTEM,
        destination=str(destination),
        next_hop_type=next_hop_type,
        next_hop_id="",
        name="",
        description="",
        modified_at=since,
    )


def is_system(call: Call, table: RouteTableRow, destination: str) -> bool:
    """Whether a table has an entry for exactly a destination that nobody made."""
    return any(
        entry.type == SYSTEM and entry.destination == destination for entry in entries_of(call, [table])[table.id]
    )


def vswitch_ids(call: Call, tables: Sequence[RouteTableRow]) -> dict[str, list[str]]:
    """The vSwitches that are associated with some tables, by the table's id, oldest first."""
    found: dict[str, list[str]] = {table.id: [] for table in tables}
    for vswitch in vswitches.of_vpcs(call.transaction, sorted({table.vpc_id for table in tables})):
        if vswitch.route_table_id in found:
            found[vswitch.route_table_id].append(vswitch.id)
    return found
