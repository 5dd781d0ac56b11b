"""Snapshots: all state in one document, which any service of this version can take over. And beginning anew.

A snapshot has no access keys. It names the accounts whose state it is. Secrets of their resources are open in it, as
the API tells them: another service seals them with a key of its own.
"""

from __future__ import annotations

import asyncio

from gatewright.control import document
from gatewright.control.cell import Cell
from gatewright.control.document import Checked, Snapshot
from gatewright.control.routes import Asked, Refusal, Route
from gatewright.reconcile import wanted
from gatewright.resources.regions import regions
from gatewright.store import accounts, hosts, pools, state
from gatewright.store.state import Damaged, TableValues
from gatewright.store.transaction import Transaction

#: Bytes.
LARGEST = 64 * 1024 * 1024


def routes(cell: Cell) -> tuple[Route, ...]:
    """``/v1/snapshot`` and ``/v1/reset``."""

    async def take(asked: Asked) -> Snapshot:  # noqa: ARG001 - a request without contents
        return await _take(cell)

    async def put(asked: Asked) -> dict[str, int]:
        checked = await asyncio.to_thread(
            document.read, asked.body, lambda snapshot: _check(cell, snapshot), cell.sealer
        )
        return await _put(cell, checked)

    async def reset(asked: Asked) -> dict[str, object]:  # noqa: ARG001 - a request without contents
        def clear(transaction: Transaction) -> None:
            state.clear(transaction)
            cell.found(transaction)

        async with cell.host.stopped():
            await _release(cell)
            await cell.database.write(clear)
            cell.steering.reset()
            cell.host.replace()
            if cell.throttle is not None:
                cell.throttle.clear()
        # A call that a fault held up until now ends now, and belongs to what is forgotten.
        await _release(cell)
        cell.steering.calls.clear()
        return {}

    return (
        Route("GET", "/v1/snapshot", take, settles=True),
        Route("PUT", "/v1/snapshot", put, bytes, most=LARGEST, settles=True),
        Route("POST", "/v1/reset", reset, settles=True),
    )


async def _take(cell: Cell) -> Snapshot:
    def read(transaction: Transaction) -> tuple[dict[str, int], dict[str, TableValues]]:
        return {row.id: row.created_at for row in accounts.every(transaction)}, state.read(transaction, cell.sealer)

    # While no agent runs, the plane stays as the rows last heard that it is, whatever is asked of the API meanwhile.
    async with cell.host.stopped():
        known, tables = await cell.database.read(read)
        taken, plane, steering = cell.steering.clock.now(), cell.host.plane.memory(), cell.steering.state()
    return await asyncio.to_thread(document.sealed, taken, known, tables, plane, steering)


def _check(cell: Cell, snapshot: Snapshot) -> None:
    """Whether a snapshot goes with this service. Raises Refusal."""
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


def _regions_of(snapshot: Snapshot) -> set[str]:
    found: set[str] = set()
    for table in snapshot.tables.values():
        if "region_id" in table.columns:
            place = table.columns.index("region_id")
            found |= {str(row[place]) for row in table.rows if len(row) > place}
    return found


async def _put(cell: Cell, checked: Checked) -> dict[str, int]:
    """Take a snapshot over, all or nothing. Returns how many rows of each table there are. Raises Refusal."""
    snapshot = checked.snapshot

    def replace(transaction: Transaction) -> None:
        state.replace(transaction, snapshot.accounts, checked.values)
        cell.found(transaction)
        _check_wanted(transaction)

    async with cell.host.stopped():
        await _release(cell)
        try:
            await cell.database.write(replace)
        except Damaged as error:
            raise document.damaged(error) from None
        except pools.PoolOverlap as error:
            raise Refusal(409, f"{error}: start the service with the pool that the snapshot has", "tables") from None
        cell.steering.restore(snapshot.steering)
        # A time that was steered is the snapshot's again; the machine's has gone on meanwhile.
        later = cell.steering.clock.now() - snapshot.taken if snapshot.steering.clock is None else 0
        cell.host.replace(document.rebased(snapshot.plane, later))
    return {name: len(table.rows) for name, table in snapshot.tables.items()}


async def _release(cell: Cell) -> None:
    """End the calls that faults hold up: they were made of the state that is about to go."""
    cell.steering.faults.release()
    # They are ahead of us in the queue of what is to run, and end without waiting for anything.
    await asyncio.sleep(0)


def _check_wanted(transaction: Transaction) -> None:
    """Compile everything that the hosts are to run, as their agents will have it done. Raises Damaged."""
    since, revision = 0, -1
    try:
        while since != revision:
            page = wanted.changes(transaction, hosts.LOCAL, since)
            since, revision = page.upto, page.revision
    except (KeyError, StopIteration, ValueError) as error:
        raise Damaged(f"what the host is to run does not follow from it ({error!r})") from error
