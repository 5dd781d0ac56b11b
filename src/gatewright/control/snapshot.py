"""Snapshots: all state in one document, which any service of this version can take over. And beginning anew.

A snapshot has no access keys and no secrets. It names the accounts whose state it is.
"""

from __future__ import annotations

import hashlib

import msgspec

from gatewright import __version__
from gatewright.control.cell import Cell
from gatewright.control.routes import Asked, Body, Refusal, Route
from gatewright.control.steering import SteeringState
from gatewright.plane.simulated import Remembered
from gatewright.reconcile import wanted
from gatewright.resources.regions import regions
from gatewright.store import accounts, hosts, pools, state
from gatewright.store.state import Damaged, TableValues
from gatewright.store.transaction import Transaction
from gatewright.store.upgrade import HEAD

FORMAT = "gatewright-snapshot"
VERSION = 1
#: Bytes.
LARGEST = 64 * 1024 * 1024


class Snapshot(Body):
    """The document."""

    format: str
    version: int
    #: The migration that the tables are of.
    schema: str
    #: The program that wrote it.
    gatewright: str
    #: Of accounts and tables: tells what was changed by accident.
    digest: str
    #: When each account came to be, milliseconds since the epoch.
    accounts: dict[str, int]
    tables: dict[str, TableValues]
    plane: list[Remembered]
    steering: SteeringState


class _Head(msgspec.Struct):
    """What tells which documents can be read at all."""

    format: str = ""
    version: int = 0
    schema: str = ""


def routes(cell: Cell) -> tuple[Route, ...]:
    """``/v1/snapshot`` and ``/v1/reset``."""

    async def take(asked: Asked) -> Snapshot:  # noqa: ARG001 - a request without contents
        return await _take(cell)

    async def put(asked: Asked) -> dict[str, int]:
        return await _put(cell, _read(cell, asked.body))

    async def reset(asked: Asked) -> dict[str, object]:  # noqa: ARG001 - a request without contents
        def clear(transaction: Transaction) -> None:
            state.clear(transaction)
            cell.found(transaction)

        async with cell.host.stopped():
            await cell.database.write(clear)
            cell.steering.reset()
            cell.host.replace()
            if cell.throttle is not None:
                cell.throttle.clear()
        return {}

    return (
        Route("GET", "/v1/snapshot", take, settles=True),
        Route("PUT", "/v1/snapshot", put, bytes, most=LARGEST, settles=True),
        Route("POST", "/v1/reset", reset, settles=True),
    )


async def _take(cell: Cell) -> Snapshot:
    def read(transaction: Transaction) -> tuple[dict[str, int], dict[str, TableValues]]:
        return {row.id: row.created_at for row in accounts.every(transaction)}, state.read(transaction)

    # The plane may be ahead of the rows: it tells again what it has. Rows ahead of the plane would take back a status.
    known, tables = await cell.database.read(read)
    return Snapshot(
        format=FORMAT,
        version=VERSION,
        schema=HEAD,
        gatewright=__version__,
        digest=_digest(known, tables),
        accounts=known,
        tables=tables,
        plane=cell.host.plane.memory(),
        steering=cell.steering.state(),
    )


def _digest(known: dict[str, int], tables: dict[str, TableValues]) -> str:
    """The same for the same contents, however the JSON is written."""
    return hashlib.sha256(msgspec.json.encode((known, tables), order="sorted")).hexdigest()


def _read(cell: Cell, body: bytes) -> Snapshot:
    """The snapshot, if this service can take it over. Raises Refusal."""
    try:
        head = msgspec.json.decode(body, type=_Head)
        if head.format != FORMAT:
            raise Refusal(400, f"format is not {FORMAT}: this is no snapshot", "format")
        for name, theirs, ours in (("version", head.version, VERSION), ("schema", head.schema, HEAD)):
            if theirs != ours:
                raise Refusal(409, f"{name} is {theirs!r}, and this Gatewright ({__version__}) reads {ours!r}", name)
        snapshot = msgspec.json.decode(body, type=Snapshot)
    except msgspec.DecodeError as error:
        raise Refusal(400, f"the snapshot cannot be read: {error}") from None
    if snapshot.digest != _digest(snapshot.accounts, snapshot.tables):
        raise Refusal(400, "digest does not fit: the snapshot is damaged, or was changed by hand", "digest")
    foreign = sorted(set(cell.own) - set(snapshot.accounts))
    if foreign:
        named = " or ".join(sorted(snapshot.accounts)) or "none"
        raise Refusal(
            409,
            f"the snapshot is of account {named}, and this service's account is {', '.join(foreign)}: start it with "
            f"GATEWRIGHT_ACCOUNT_ID={named}",
            "accounts",
        )
    unknown = _regions_of(snapshot) - set(regions())
    if unknown:
        raise Refusal(409, f"the snapshot has regions that are not known here: {', '.join(sorted(unknown))}", "tables")
    cell.steering.check(snapshot.steering)
    return snapshot


def _regions_of(snapshot: Snapshot) -> set[str]:
    found: set[str] = set()
    for table in snapshot.tables.values():
        if "region_id" in table.columns:
            place = table.columns.index("region_id")
            found |= {str(row[place]) for row in table.rows if len(row) > place}
    return found


async def _put(cell: Cell, snapshot: Snapshot) -> dict[str, int]:
    """Take a snapshot over, all or nothing. Returns how many rows of each table there are. Raises Refusal."""

    def replace(transaction: Transaction) -> None:
        state.replace(transaction, snapshot.accounts, snapshot.tables)
        cell.found(transaction)
        _check_wanted(transaction)

    async with cell.host.stopped():
        try:
            await cell.database.write(replace)
        except Damaged as error:
            raise Refusal(400, f"the snapshot is damaged: {error}", "tables") from None
        except pools.PoolOverlap as error:
            raise Refusal(409, f"{error}: start the service with the pool that the snapshot has", "tables") from None
        cell.steering.restore(snapshot.steering)
        cell.host.replace(snapshot.plane)
    return {name: len(table.rows) for name, table in snapshot.tables.items()}


def _check_wanted(transaction: Transaction) -> None:
    """Compile everything that the hosts are to run, as their agents will have it done. Raises Damaged."""
    since, revision = 0, -1
    try:
        while since != revision:
            page = wanted.changes(transaction, hosts.LOCAL, since)
            since, revision = page.upto, page.revision
    except (KeyError, StopIteration, ValueError) as error:
        raise Damaged(f"what the host is to run does not follow from it ({error!r})") from error
