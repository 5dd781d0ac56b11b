"""The rules that a new custom entry keeps, whether it is made alone or among others."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from gatewright import ids
from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.route_tables.contents import CUSTOM, Entry, entries_of
from gatewright.operations.route_tables.facts import TABLE_NOT_FOUND, find_table
from gatewright.operations.route_tables.next_hops import NEXT_HOP_ERRORS, check_next_hop
from gatewright.resources.routes import SERVICE_NETWORK, UNROUTABLE_NETWORKS, around, parse_destination
from gatewright.store import route_tables
from gatewright.store.route_tables import RouteEntryRow, RouteTableRow

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
    "A route table has 200 custom entries at the most.",
)
#: What a new entry can be refused with.
MAKING_ERRORS = (
    MALFORMED,
    NOT_ALLOWED,
    UNROUTABLE,
    TABLE_NOT_FOUND,
    *NEXT_HOP_ERRORS,
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


class Words(NamedTuple):
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
        unroutable = around(network, UNROUTABLE_NETWORKS)
        if unroutable is not None:
            raise UNROUTABLE(parameter, text, f"must not lie within {unroutable}")
    return network


def make_entry(call: Call, wish: Wish, words: Words) -> str:
    """Store a new custom entry; its id. Raises ApiError, and then nothing has changed."""
    network = check_destination(wish.destination, words.destination)
    table = find_table(call, wish.route_table_id, parameter=words.route_table_id)
    check_next_hop(call, table, wish.next_hop_type, wish.next_hop_id, words.next_hop_id)
    if isinstance(network, IPv6Network):
        raise NO_IPV6(words.destination, wish.destination, f"is an IPv6 network, and {table.vpc_id} has none")
    _check_room(call, table, network, entries_of(call, [table])[table.id], words)
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
    return row.id


def _check_room(call: Call, table: RouteTableRow, network: IPv4Network, entries: list[Entry], words: Words) -> None:
    """Refuse a destination that the table's entries leave no room for."""
    for entry in entries:
        if entry.type != CUSTOM and network.subnet_of(IPv4Network(entry.destination)):
            raise NOT_ALLOWED(
                words.destination, network, f"must not lie within {entry.destination}, a vSwitch's network"
            )
        if entry.destination == str(network):
            raise DUPLICATE(words.destination, network, f"is the destination of {entry.id} in {table.id} already")
    most = call.installation.quotas.route_entries
    if sum(entry.type == CUSTOM for entry in entries) >= most:
        raise TOO_MANY(words.route_table_id, table.id, f"has its {most} custom entries already")
