"""Which item is wanted on which host, and what the host's agent last said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import bindparam, case, delete, func, insert, or_, select, update

from gatewright.resources.specs import ItemKey, Kind, Observation, Phase
from gatewright.resources.statuses import Seen
from gatewright.store import hosts
from gatewright.store.among import QueryAmong, StatementAmong
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

    @property
    def key(self) -> ItemKey:
        return ItemKey(Kind(self.kind), self.item_id)

    def tells(self, observation: Observation) -> bool:
        """Whether the row says already what the observation says."""
        return (self.observed, self.phase, self.detail) == (
            observation.generation,
            observation.phase,
            observation.detail,
        )

    @property
    def seen(self) -> Seen:
        """The row as the pure functions of statuses take it; where it is to be removed it is not to be counted on."""
        phase = None if self.phase is None or self.tombstone else Phase(self.phase)
        return Seen(self.wanted, self.observed, phase)


class Unsettled(NamedTuple):
    """What of a host is not (yet) as it is wanted."""

    host_id: str
    items: int
    #: How many of them could not be brought about, by their agent's last word.
    failed: int
    #: The least of their revisions.
    oldest: int


class _HostCount(NamedTuple):
    host_id: str
    instances: int


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
_SAME = ("host_id", "account_id", "resource_id", "revision")
#: By how many items there are: one, or the two instances of a gateway.
_ADD = {
    count: Statement(
        insert(placements).values(
            [
                {
                    **{name: bindparam(name, type_=_c[name].type) for name in _SAME},
                    "kind": bindparam(f"kind_{i}"),
                    "item_id": bindparam(f"item_{i}"),
                    "wanted": bindparam("generation", type_=_c.wanted.type),
                    "tombstone": False,
                    "observed": 0,
                    "phase": None,
                    "detail": "",
                }
                for i in range(count)
            ]
        )
    )
    for count in (1, 2)
}
_ON_HOST = select(*_COLUMNS).where(_c.host_id == bindparam("of_host"))
_FIND = QueryAmong(_ON_HOST, _c.item_id, PlacementRow)
_OF_RESOURCES = QueryAmong(select(*_COLUMNS), _c.resource_id, PlacementRow)
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
_OF_HOST = Query(_ON_HOST.order_by(_c.kind, _c.item_id), PlacementRow)
_INSTANCES = Query(
    select(_c.host_id, func.count(_c.item_id)).where(_c.kind == Kind.INSTANCE.value).group_by(_c.host_id), _HostCount
)
_UNSETTLED = Query(
    select(
        _c.host_id,
        func.count(),
        func.count(case((_c.phase == Phase.FAILED.value, 1))),
        func.min(_c.revision),
    )
    .where(or_(_c.tombstone.is_(True), _c.phase.is_(None), _c.phase != Phase.READY.value, _c.observed != _c.wanted))
    .group_by(_c.host_id),
    Unsettled,
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
_OBSERVE = StatementAmong(
    update(placements)
    .where(_c.host_id == bindparam("of_host"), _c.kind == bindparam("of_kind"))
    .values(observed=bindparam("new_observed"), phase=bindparam("new_phase"), detail=bindparam("new_detail")),
    _c.item_id,
)
_DROP = Statement(delete(placements).where(*_IS_ITEM))


def place(
    transaction: Transaction,
    keys: Sequence[ItemKey],
    host_id: str,
    account_id: str,
    resource_id: str,
    revision: int,
    generation: int = 1,
) -> None:
    """Want new items of a resource on a host, whose revision was raised to this."""
    items = {f"kind_{i}": key.kind.value for i, key in enumerate(keys)}
    items |= {f"item_{i}": key.id for i, key in enumerate(keys)}
    transaction.run(
        _ADD[len(keys)],
        generation=generation,
        host_id=host_id,
        account_id=account_id,
        resource_id=resource_id,
        revision=revision,
        **items,
    )


def want(transaction: Transaction, resource_id: str, generation: int) -> None:
    """Want another generation of everything that a resource runs; what is being moved has it where it comes to."""
    want_all(transaction, {resource_id: generation})


def want_all(transaction: Transaction, generations: Mapping[str, int], besides: Sequence[str] = ()) -> None:
    """The same of several resources at once, so that all their hosts are locked in one order.

    ``besides`` are VPCs of whose routers the next generation is wanted, whatever that is.
    """
    rows = [row for row in of_resources(transaction, [*generations, *besides]) if not row.tombstone]
    revisions = hosts.raise_revisions(transaction, [row.host_id for row in rows])
    for row in rows:
        _change(transaction, row, revisions, generations.get(row.resource_id, row.wanted + 1), tombstone=False)


def want_next(transaction: Transaction, rows: Sequence[PlacementRow], revisions: Mapping[str, int]) -> None:
    """Want the next generation of items, on hosts whose revisions were raised to these."""
    for row in rows:
        _change(transaction, row, revisions, row.wanted + 1, tombstone=False)


def bury(transaction: Transaction, resource_id: str) -> None:
    """Want everything removed that a resource runs."""
    rows = of_resources(transaction, [resource_id])
    bury_these(transaction, rows, hosts.raise_revisions(transaction, [row.host_id for row in rows]))


def bury_these(transaction: Transaction, rows: Sequence[PlacementRow], revisions: Mapping[str, int]) -> None:
    """Want items removed, on hosts whose revisions were raised to these."""
    for row in rows:
        _change(transaction, row, revisions, row.wanted, tombstone=True)


def _change(
    transaction: Transaction, row: PlacementRow, revisions: Mapping[str, int], generation: int, *, tombstone: bool
) -> None:
    transaction.run(
        _WANT,
        of_kind=row.kind,
        of_item=row.item_id,
        of_host=row.host_id,
        new_revision=revisions[row.host_id],
        new_wanted=generation,
        new_tombstone=tombstone,
    )


def observe(transaction: Transaction, host_id: str, observations: Sequence[Observation]) -> None:
    """Note what an agent said of items; what it said of several alike is noted at once."""
    alike: dict[tuple[str, int, str, str], list[str]] = {}
    for seen in observations:
        alike.setdefault((seen.kind.value, seen.generation, seen.phase.value, seen.detail), []).append(seen.id)
    for (kind, generation, phase, detail), items in alike.items():
        _OBSERVE.run(
            transaction,
            items,
            of_host=host_id,
            of_kind=kind,
            new_observed=generation,
            new_phase=phase,
            new_detail=detail,
        )


def drop(transaction: Transaction, row: PlacementRow) -> None:
    """Forget an item whose removal the agent confirmed."""
    transaction.run(_DROP, of_kind=row.kind, of_item=row.item_id, of_host=row.host_id)


def find_all(transaction: Transaction, keys: Sequence[ItemKey], host_id: str) -> dict[ItemKey, PlacementRow]:
    """Those of the items that are on the host."""
    rows = {row.key: row for row in _FIND.rows(transaction, [key.id for key in keys], of_host=host_id)}
    return {key: rows[key] for key in keys if key in rows}


def of_resources(transaction: Transaction, resource_ids: Sequence[str]) -> list[PlacementRow]:
    """All items of some gateways, vSwitches or VPCs."""
    return _OF_RESOURCES.rows(transaction, resource_ids)


def of_host(transaction: Transaction, host_id: str) -> list[PlacementRow]:
    """Everything that is wanted on a host or to be removed from it."""
    return transaction.all(_OF_HOST, of_host=host_id)


def living(transaction: Transaction, host_id: str) -> list[PlacementRow]:
    """Everything that is wanted on a host."""
    return [row for row in of_host(transaction, host_id) if not row.tombstone]


def count_instances(transaction: Transaction) -> dict[str, int]:
    """How many instances each host has, those that are being removed counted too."""
    return {row.host_id: row.instances for row in transaction.all(_INSTANCES)}


def unsettled(transaction: Transaction) -> dict[str, Unsettled]:
    """What is not as it is wanted, by host; hosts where all is are not in it. It looks at every placement."""
    return {row.host_id: row for row in transaction.all(_UNSETTLED)}


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
