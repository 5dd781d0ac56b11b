"""What is in a route table: the entries that people made, and those that follow from the VPC.

A table has a ``local`` entry for every vSwitch of its VPC and a ``service`` entry for the cloud's own services. There
are few of both kinds (custom ones have a quota), so they are listed in memory. The system table has entries of type
``BGP``, too, while it takes what customers announce to a gateway: as many as hosts tell, a hundred a tunnel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from ipaddress import IPv4Network
from typing import NamedTuple

from gatewright.operations.call import Call
from gatewright.operations.route_tables.next_hops import VPN_GATEWAY
from gatewright.resources.addresses import SERVICE_NETWORK
from gatewright.resources.routes import learned_entry_id, system_entry_id
from gatewright.resources.tunnel_states import LearnedRoute
from gatewright.store import route_tables, tunnel_states, vswitches
from gatewright.store.route_tables import RouteEntryRow, RouteTableRow
from gatewright.store.vswitches import VSwitchRow

#: The types of entries. ``CEN`` and ``ECR`` are the API's too, and nothing here makes such.
SYSTEM, CUSTOM, BGP = "System", "Custom", "BGP"
ENTRY_TYPES = (CUSTOM, SYSTEM, BGP, "CEN", "ECR")
#: Tables and entries are there at once, whole.
AVAILABLE = "Available"


class Entry(NamedTuple):
    """One entry of a table, of any type."""

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
        """Where it stands in its table: system entries by destination, custom ones, oldest first, then BGP's."""
        return (str((SYSTEM, CUSTOM, BGP).index(self.type)), self.id)


class Contents:
    """What some tables hold. Rows are read when they are first asked for, and once."""

    def __init__(self, call: Call, tables: Sequence[RouteTableRow]) -> None:
        self._call = call
        self._tables = tables

    @cached_property
    def _inside(self) -> dict[str, list[VSwitchRow]]:
        """The vSwitches of the tables' VPCs, by the VPC's id, oldest first."""
        found: dict[str, list[VSwitchRow]] = {table.vpc_id: [] for table in self._tables}
        for vswitch in vswitches.of_vpcs(self._call.transaction, sorted(found)):
            found[vswitch.vpc_id].append(vswitch)
        return found

    def vswitch_ids(self) -> dict[str, list[str]]:
        """The vSwitches that are associated with the tables, by the table's id, oldest first."""
        found: dict[str, list[str]] = {table.id: [] for table in self._tables}
        for inside in self._inside.values():
            for vswitch in inside:
                if vswitch.route_table_id in found:
                    found[vswitch.route_table_id].append(vswitch.id)
        return found

    def entries(self, wanted: str | None = None) -> dict[str, list[Entry]]:
        """The entries of a type, or all, by the table's id, in the order of their places."""
        found: dict[str, list[Entry]] = {table.id: [] for table in self._tables}
        if wanted in (None, SYSTEM):
            # The tables of a VPC tell the same networks: those are parsed and put in order once.
            networks = {vpc_id: _local_networks(inside) for vpc_id, inside in self._inside.items()}
            for table in self._tables:
                found[table.id] += _system_entries(table, networks[table.vpc_id])
        if wanted in (None, CUSTOM):
            rows = route_tables.entries(self._call.transaction, list(found))
            for row in sorted(rows, key=lambda row: row.id):
                found[row.route_table_id].append(_custom_entry(row))
        if wanted in (None, BGP):
            for entry in self._learned():
                found[entry.route_table_id].append(entry)
        return found

    def _learned(self) -> Iterator[Entry]:
        """What customers announce and system tables take: of what has no entry of its own."""
        taking = {row.vpc_id: row for row in self._tables if row.type == route_tables.SYSTEM and row.propagation}
        rows = tunnel_states.learned_in(self._call.transaction, sorted(taking))
        if not rows:
            return
        taken = {
            (row.route_table_id, row.destination)
            for row in route_tables.entries(self._call.transaction, sorted(row.id for row in taking.values()))
        }
        learned = [
            (row, route)
            for row in sorted(rows, key=lambda row: row.gateway_id)
            for route in tunnel_states.learned_of(row)
        ]
        for row, route in sorted(learned, key=lambda each: IPv4Network(each[1].destination)):
            table = taking[row.vpc_id]
            if (table.id, route.destination) not in taken:
                taken.add((table.id, route.destination))
                yield _learned_entry(table, row.gateway_id, route)


def _learned_entry(table: RouteTableRow, gateway_id: str, route: LearnedRoute) -> Entry:
    return Entry(
        id=learned_entry_id(table.id, IPv4Network(route.destination)),
        route_table_id=table.id,
        type=BGP,
        destination=route.destination,
        next_hop_type=VPN_GATEWAY,
        next_hop_id=gateway_id,
        name="",
        description="",
        modified_at=max(table.created_at, route.at),
    )


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


def _local_networks(inside: Sequence[VSwitchRow]) -> list[tuple[IPv4Network, str, int]]:
    """What a VPC's tables tell of its own, by destination: network, kind of next hop, and since when it is there."""
    local = [(IPv4Network(vswitch.cidr_block), "local", vswitch.created_at) for vswitch in inside]
    return sorted([*local, (SERVICE_NETWORK, "service", 0)])


def _system_entries(table: RouteTableRow, networks: Sequence[tuple[IPv4Network, str, int]]) -> Iterator[Entry]:
    for destination, next_hop_type, since in networks:
        yield Entry(
            id=system_entry_id(table.id, destination),
            route_table_id=table.id,
            type=SYSTEM,
            destination=str(destination),
            next_hop_type=next_hop_type,
            next_hop_id="",
            name="",
            description="",
            modified_at=max(table.created_at, since),
        )


def is_system(call: Call, table: RouteTableRow, destination: str) -> bool:
    """Whether a table has an entry for exactly a destination that nobody made."""
    return destination == str(SERVICE_NETWORK) or any(
        vswitch.cidr_block == destination for vswitch in vswitches.of_vpcs(call.transaction, [table.vpc_id])
    )
