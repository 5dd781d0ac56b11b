"""Which item is wanted on which host, and what the host's agent last said of it."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from gatewright.resources.specs import ItemKey, Observation, Phase
from gatewright.resources.statuses import Seen
from gatewright.store import hosts
from gatewright.store.schema import placements
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class PlacementRow(msgspec.Struct, frozen=True):
    """One item on one host."""

    kind: str
    item_id: str
    host_id: str
    account_id: str
    resource_id: str
    revision: int
    wanted: int
    tombstone: bool
    observed: int
    phase: str | None
    detail: str

    def tells(self, observation: Observation) -> bool:
        """Whether the row says already what the observation says."""
        return (self.observed, self.phase, self.detail) == (
            observation.generation,
            observation.phase,
            observation.detail,
        )

    @property
    def seen(self) -> Seen:
        """The row as the pure functions of statuses take it."""
        return Seen(self.wanted, self.observed, None if self.phase is None else Phase(self.phase))


_c = placements.c
_COLUMNS = (
    _c.kind,
    _c.item_id,
    _c.host_id,
    _c.account_id,
    _c.resource_id,
    _c.revision,
    _c.wanted,
    _c.tombstone,
    _c.observed,
    _c.phase,
    _c.detail,
)
_IS_ITEM = (
    _c.kind == bindparam("of_kind"),
    _c.item_id == bindparam("of_item"),
    _c.host_id == bindparam("of_host"),
)
_ADD = Statement(insert(placements))
_FIND = Query(select(*_COLUMNS).where(*_IS_ITEM), PlacementRow)
_OF_RESOURCE = Query(
    select(*_COLUMNS).where(_c.resource_id == bindparam("resource")).order_by(_c.host_id, _c.item_id),
    PlacementRow,
)
_SINCE = Query(
    select(*_COLUMNS)
    .where(_c.host_id == bindparam("of_host"), _c.revision > bindparam("since"))
    .order_by(_c.revision, _c.kind, _c.item_id)
    .limit(bindparam("most")),
    PlacementRow,
)
_AT = Query(
    select(*_COLUMNS)
    .where(_c.host_id == bindparam("of_host"), _c.revision == bindparam("at"))
    .order_by(_c.kind, _c.item_id),
    PlacementRow,
)
_WANT = Statement(
    update(placements)
    .where(*_IS_ITEM)
    .values(
        revision=bindparam("new_revision"),
        wanted=bindparam("new_wanted"),
        tombstone=bindparam("new_tombstone"),
    )
)
_OBSERVE = Statement(
    update(placements)
    .where(*_IS_ITEM)
    .values(observed=bindparam("new_observed"), phase=bindparam("new_phase"), detail=bindparam("new_detail"))
)
_DROP = Statement(delete(placements).where(*_IS_ITEM))


def place(transaction: Transaction, key: ItemKey, host_id: str, account_id: str, resource_id: str) -> None:
    """Want a new item on a host, at generation 1."""
    transaction.run(
        _ADD,
        kind=key.kind.value,
        item_id=key.id,
        host_id=host_id,
        account_id=account_id,
        resource_id=resource_id,
        revision=hosts.raise_revision(transaction, host_id),
        wanted=1,
        tombstone=False,
        observed=0,
        phase=None,
        detail="",
    )


def want(transaction: Transaction, row: PlacementRow, generation: int) -> None:
    """Want another generation of an item."""
    _change(transaction, row, generation, tombstone=False)


def bury(transaction: Transaction, row: PlacementRow) -> None:
    """Want an item removed."""
    _change(transaction, row, row.wanted, tombstone=True)


def _change(transaction: Transaction, row: PlacementRow, generation: int, *, tombstone: bool) -> None:
    transaction.run(
        _WANT,
        of_kind=row.kind,
        of_item=row.item_id,
        of_host=row.host_id,
        new_revision=hosts.raise_revision(transaction, row.host_id),
        new_wanted=generation,
        new_tombstone=tombstone,
    )


def observe(transaction: Transaction, row: PlacementRow, observation: Observation) -> None:
    """Note what an agent said of an item."""
    transaction.run(
        _OBSERVE,
        of_kind=row.kind,
        of_item=row.item_id,
        of_host=row.host_id,
        new_observed=observation.generation,
        new_phase=observation.phase.value,
        new_detail=observation.detail,
    )


def drop(transaction: Transaction, row: PlacementRow) -> None:
    """Forget an item whose removal the agent confirmed."""
    transaction.run(_DROP, of_kind=row.kind, of_item=row.item_id, of_host=row.host_id)


def find(transaction: Transaction, key: ItemKey, host_id: str) -> PlacementRow | None:
    """The item on the host, or None."""
    return transaction.one(_FIND, of_kind=key.kind.value, of_item=key.id, of_host=host_id)


def of_resource(transaction: Transaction, resource_id: str) -> list[PlacementRow]:
    """All items of a gateway or a vSwitch, in the order in which their hosts are locked."""
    return transaction.all(_OF_RESOURCE, resource=resource_id)


def since(transaction: Transaction, host_id: str, revision: int, most: int) -> list[PlacementRow]:
    """What changed on a host after a revision, oldest change first; about ``most`` rows.

    Never a part of one revision: a reader that goes on from the last row's revision has seen all of it.
    """
    rows = transaction.all(_SINCE, of_host=host_id, since=revision, most=most)
    if len(rows) < most:
        return rows
    last = rows[-1].revision
    whole = [row for row in rows if row.revision < last]
    return whole + transaction.all(_AT, of_host=host_id, at=last)
