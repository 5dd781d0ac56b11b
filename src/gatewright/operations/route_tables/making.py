"""The rules that a new custom entry keeps, whether it is made alone or among others."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from gatewright import ids
from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.route_tables.facts import TABLE_NOT_FOUND, check_vpc, find_table
from gatewright.operations.route_tables.next_hops import NEXT_HOP_ERRORS, NextHops, check_gateway
from gatewright.operations.vpcs.facts import INCORRECT_STATUS as VPC_STATUS
from gatewright.resources.addresses import SERVICE_NETWORK
from gatewright.resources.routes import UNROUTABLE_NETWORKS, Networks, parse_destination
from gatewright.store import route_tables, vswitches
from gatewright.store.route_tables import RouteEntryRow, RouteTableView

MALFORMED = ErrorRow(400, "InvalidCidrBlock.Malformed", "Specified CIDR block is not valid.")
NOT_ALLOWED = ErrorRow(
    400,
    "InvalidCidrBlock",
    "Specified CIDR block is not valid.",
    "A destination lies neither within a vSwitch's network nor within 100.64.0.0/10.",
)
UNROUTABLE = ErrorRow(
    400,
    "InvalidDestinationCidrBlock",
    "The specified destinationCidrBlock must not included in black list cidr.",
    "No route leads to loopback, link-local, multicast and reserved addresses.",
)
NO_IPV6 = ErrorRow(
    400, "OperationDenied.VpcIpv6NotEnabled", "IPv6 has not been enabled for the VPC.", "VPCs have IPv4 only."
)
DUPLICATE = ErrorRow(
    400,
    "InvalidCIDRBlock.Duplicate",
    "Specified CIDR block is already exists.",
    "A table has one entry a destination; ModifyRouteEntry changes where it leads.",
)
TOO_MANY = ErrorRow(
    400,
    "QuotaExceeded",
    "Route entry quota exceeded in this route table.",
    "Delete custom entries of the table that are not used.",
)
#: What a new entry can be refused with.
MAKING_ERRORS = (
    MALFORMED,
    NOT_ALLOWED,
    UNROUTABLE,
    TABLE_NOT_FOUND,
    *NEXT_HOP_ERRORS,
    VPC_STATUS,
    NO_IPV6,
    DUPLICATE,
    TOO_MANY,
)


class Wish(NamedTuple):
    """A custom entry as a request asks for it."""

    route_table_id: str
    destination: str
    next_hop_type: str
    next_hop_id: str
    name: str
    description: str


class MakingWords(NamedTuple):
    """What the request calls the parts of a wish, for details of errors."""

    route_table_id: str
    destination: str
    next_hop_id: str


def check_destination(text: str, parameter: str) -> IPv4Network | IPv6Network:
    """A destination that the address arithmetic alone allows. Raises ApiError."""
    network = parse_destination(text)
    if network is None:
        raise MALFORMED(parameter, text, "must be a network such as 192.168.0.0/16, or an address")
    if isinstance(network, IPv4Network):
        if network.subnet_of(SERVICE_NETWORK):
            raise NOT_ALLOWED(parameter, text, f"must not lie within {SERVICE_NETWORK}, the cloud's own services")
        unroutable = UNROUTABLE_NETWORKS.around(network)
        if unroutable is not None:
            raise UNROUTABLE(parameter, text, f"must not lie within {unroutable}")
    return network


class Room:
    """What of a table's contents a new entry must fit in: read once, and kept up to date as entries are made."""

    def __init__(self, call: Call, table: RouteTableView) -> None:
        self.table = table
        vswitches_here = vswitches.of_vpcs(call.transaction, [table.vpc_id])
        self._vswitches = Networks(IPv4Network(vswitch.cidr_block) for vswitch in vswitches_here)
        self._taken = {row.destination: row.id for row in route_tables.entries(call.transaction, [table.id])}
        self._most = call.installation.quotas.route_entries

    def check(self, network: IPv4Network, words: MakingWords) -> None:
        """Refuse a destination that there is no room for. Raises ApiError."""
        vswitch = self._vswitches.around(network)
        if vswitch is not None:
            raise NOT_ALLOWED(words.destination, network, f"must not lie within {vswitch}, a vSwitch's network")
        taken = self._taken.get(str(network))
        if taken is not None:
            raise DUPLICATE(words.destination, network, f"is the destination of {taken} in {self.table.id} already")
        if len(self._taken) >= self._most:
            raise TOO_MANY(words.route_table_id, self.table.id, f"has its {self._most} custom entries already")

    def take(self, row: RouteEntryRow) -> None:
        """Have an entry that has been made be there."""
        self._taken[row.destination] = row.id


class Making:
    """Makes the entries of one request. What they are checked against is read once for all of them."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._next_hops = NextHops(call)
        self._tables: dict[str, RouteTableView] = {}
        self._rooms: dict[str, Room] = {}
        #: The VPCs in which entries were made, and the gateways that they lead to.
        self.vpc_ids: set[str] = set()
        self.next_hops: set[str] = set()

    def make(self, wish: Wish, words: MakingWords) -> str:
        """Store a new custom entry; its id. Raises ApiError, and then nothing has changed."""
        call = self._call
        network = check_destination(wish.destination, words.destination)
        table = self._table(wish.route_table_id, words.route_table_id)
        gateway = self._next_hops.find(table, wish.next_hop_type, wish.next_hop_id, words.next_hop_id)
        check_vpc(call, table, VPC_STATUS, words.route_table_id, table.id)
        check_gateway(table, gateway, words.next_hop_id)
        if isinstance(network, IPv6Network):
            raise NO_IPV6(words.destination, wish.destination, f"is an IPv6 network, and {table.vpc_id} has none")
        room = self._room(table)
        room.check(network, words)
        row = RouteEntryRow(
            id=ids.resource_id("rte", table.region_id),
            account_id=call.account_id,
            route_table_id=table.id,
            destination=str(network),
            next_hop_type=wish.next_hop_type,
            next_hop_id=wish.next_hop_id,
            name=wish.name,
            description=wish.description,
            created_at=call.now,
            modified_at=call.now,
        )
        route_tables.add_entry(call.transaction, row)
        room.take(row)
        self.vpc_ids.add(table.vpc_id)
        self.next_hops.add(row.next_hop_id)
        return row.id

    def _table(self, route_table_id: str, parameter: str) -> RouteTableView:
        table = self._tables.get(route_table_id)
        if table is None:
            table = self._tables[route_table_id] = find_table(self._call, route_table_id, parameter=parameter)
        return table

    def _room(self, table: RouteTableView) -> Room:
        room = self._rooms.get(table.id)
        if room is None:
            room = self._rooms[table.id] = Room(self._call, table)
        return room
