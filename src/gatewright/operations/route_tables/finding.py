"""Which custom entry a request means: by its id, or by its table and destination; and what else it says of it."""

from __future__ import annotations

from typing import NamedTuple

from gatewright.errors import ApiError, ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.route_tables.contents import is_system
from gatewright.operations.route_tables.facts import TABLE_NOT_FOUND, find_table, table_here
from gatewright.operations.route_tables.making import MALFORMED
from gatewright.resources.routes import parse_destination, read_system_entry_id
from gatewright.store import route_tables
from gatewright.store.route_tables import RouteEntryRow, RouteTableRow, RouteTableView

NO_SUCH_ID = ErrorRow(
    400,
    "InvalidRouteEntryId.NotFound",
    "Specified RouteEntryId does not exist.",
    "DescribeRouteEntryList lists the entries of a route table.",
)
SYSTEM_ENTRY = ErrorRow(
    400,
    "OperationDenied",
    "Specified operation is denied as route entry type is system.",
    "System entries follow from the VPC's vSwitches.",
)
#: What finding an entry can be refused with, besides the operation's own row for one that there is not.
FINDING_ERRORS = (MALFORMED, TABLE_NOT_FOUND, NO_SUCH_ID, SYSTEM_ENTRY)


class Which(NamedTuple):
    """What a request says of the entry that it means. ``entry_id`` is given, or both table and destination are."""

    entry_id: str | None
    route_table_id: str | None
    destination: str | None
    next_hop_id: str | None = None


class FindingWords(NamedTuple):
    """What the request calls the parts, for details of errors."""

    entry_id: str
    route_table_id: str
    destination: str


class Found(NamedTuple):
    """A custom entry, the table that it is in, and the parameter that has named it."""

    row: RouteEntryRow
    table: RouteTableView
    parameter: str
    value: str


def check_parts(which: Which, words: FindingWords) -> str | None:
    """The destination as entries have it, if one is given. Raises InvalidCidrBlock.Malformed."""
    if which.destination is None:
        return None
    network = parse_destination(which.destination)
    if network is None:
        raise MALFORMED(words.destination, which.destination, "must be a network such as 192.168.0.0/16, or an address")
    return str(network)


def find_custom_entry(call: Call, which: Which, words: FindingWords, missing: ErrorRow) -> Found:
    """The one custom entry that all that is given is true of. Raises ``missing`` and others."""
    destination = check_parts(which, words)
    table = None
    if which.route_table_id is not None:
        table = find_table(call, which.route_table_id, parameter=words.route_table_id)
    if which.entry_id is not None:
        word, value = words.entry_id, which.entry_id
        row, table = _by_id(call, which.entry_id, words)
    elif table is not None and destination is not None:
        word, value = words.destination, destination
        row = _by_destination(call, table, destination, words, missing)
    else:
        raise AssertionError("the operation has required an id, or a table and a destination")
    given = (which.route_table_id, destination, which.next_hop_id)
    facts = (row.route_table_id, row.destination, row.next_hop_id)
    if any(said is not None and said != fact for said, fact in zip(given, facts, strict=True)):
        told = f"means {row.id}, by which {row.route_table_id} leads to {row.destination} through {row.next_hop_id}"
        raise missing(word, value, f"{told}, and the request says otherwise")
    return Found(row, table, word, value)


def _by_id(call: Call, entry_id: str, words: FindingWords) -> tuple[RouteEntryRow, RouteTableView]:
    row = route_tables.entry(call.transaction, call.account_id, entry_id)
    table = table_here(call, row.route_table_id) if row is not None else None
    if row is not None and table is not None:
        return row, table
    told = read_system_entry_id(entry_id)
    table = table_here(call, told[0]) if told is not None else None
    if table is not None and told is not None and is_system(call, table, str(told[1])):
        raise _system(words.entry_id, entry_id, table)
    raise NO_SUCH_ID(words.entry_id, entry_id, f"names no route entry of this account {call.where}")


def _by_destination(
    call: Call, table: RouteTableRow, destination: str, words: FindingWords, missing: ErrorRow
) -> RouteEntryRow:
    row = route_tables.entry_to(call.transaction, table.id, destination)
    if row is not None:
        return row
    if is_system(call, table, destination):
        raise _system(words.destination, destination, table)
    raise missing(words.destination, destination, f"is the destination of no entry of {table.id}")


def _system(parameter: str, value: str, table: RouteTableRow) -> ApiError:
    return SYSTEM_ENTRY(parameter, value, f"means an entry of {table.id} that nobody made")
