"""Hosts and their revisions."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from gatewright.errors import SERVICE_UNAVAILABLE
from gatewright.store.schema import hosts
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction
from gatewright.telemetry import tracing

#: The machine that the service itself runs on.
LOCAL = "local"
#: An agent that was not heard of for so long, milliseconds, is away: it asks three times a minute.
AWAY_AFTER = 60_000


class HostRow(msgspec.Struct, frozen=True):
    """One host."""

    id: str
    revision: int
    #: Comma-separated.
    zones: str
    #: In the network between the hosts; empty while it has none.
    address: str
    fingerprint: str | None
    draining: bool
    created_at: int
    seen_at: int | None
    agent_version: int | None

    @property
    def zone_ids(self) -> tuple[str, ...]:
        return tuple(filter(None, self.zones.split(",")))

    def up(self, now: int) -> bool:
        """Whether its agent was heard of lately, at a time in milliseconds since the epoch.

        The local host always is: its agent is a part of ``serve``, which starts it again when it ends.
        """
        return self.id == LOCAL or (self.seen_at is not None and now - self.seen_at <= AWAY_AFTER)


_COLUMNS = tuple(hosts.c[name] for name in HostRow.__struct_fields__)
_is_host = hosts.c.id == bindparam("host_id")
_REVISION = Statement(select(hosts.c.revision).where(_is_host))
_EVERY = Query(select(*_COLUMNS).order_by(hosts.c.id), HostRow)
_LOCK_ALL = Query(select(*_COLUMNS).order_by(hosts.c.id).with_for_update(), HostRow)
_FIND = Query(select(*_COLUMNS).where(_is_host), HostRow)
_LOCK = Query(select(*_COLUMNS).where(_is_host).with_for_update(), HostRow)
_OF_CERTIFICATE = Statement(select(hosts.c.id).where(hosts.c.fingerprint == bindparam("shown")))
_ADD = Statement(insert(hosts))
_DROP = Statement(delete(hosts).where(_is_host))
_RAISE = Statement(update(hosts).where(_is_host).values(revision=hosts.c.revision + 1).returning(hosts.c.revision))
_SET = Statement(update(hosts).where(_is_host).values(revision=bindparam("new_revision")))
_CHANGEABLE = ("zones", "address", "fingerprint", "draining")
_CHANGE = Statement(update(hosts).where(_is_host).values({name: bindparam(f"new_{name}") for name in _CHANGEABLE}))
_MET = Statement(
    update(hosts).where(_is_host).values(seen_at=bindparam("new_seen"), agent_version=bindparam("new_version"))
)


def ensure(transaction: Transaction, host_id: str) -> None:
    """Add the host, with nothing told of it, unless it is there."""
    if revision(transaction, host_id) is None:
        add(transaction, HostRow(host_id, 0, "", "", None, False, 0, None, None))


def add(transaction: Transaction, row: HostRow) -> None:
    """Add a host."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def find(transaction: Transaction, host_id: str) -> HostRow | None:
    """A host, or None."""
    return transaction.one(_FIND, host_id=host_id)


def lock(transaction: Transaction, host_id: str) -> HostRow | None:
    """The same, locked until the commit: for what changes it (``change`` stores more than one may have read)."""
    return find(transaction, host_id) if transaction.alone else transaction.one(_LOCK, host_id=host_id)


def every(transaction: Transaction) -> list[HostRow]:
    """All hosts, in the order of their ids."""
    return transaction.all(_EVERY)


def lock_all(transaction: Transaction) -> list[HostRow]:
    """The same, locked until the commit: for what concerns hosts that are yet to be found."""
    return every(transaction) if transaction.alone else transaction.all(_LOCK_ALL)


def of_certificate(transaction: Transaction, fingerprint: str) -> str | None:
    """The id of the host whose certificate has this fingerprint, or None."""
    found: str | None = transaction.scalar(_OF_CERTIFICATE, shown=fingerprint)
    return found


def change(transaction: Transaction, row: HostRow) -> None:
    """Store zones, address, certificate and draining, from a changed row that was locked when it was read."""
    transaction.run(_CHANGE, host_id=row.id, **{f"new_{name}": getattr(row, name) for name in _CHANGEABLE})


def met(transaction: Transaction, host_id: str, now: int, agent_version: int) -> None:
    """Note that the host's agent was heard of, and which version of specs it knows."""
    transaction.run(_MET, host_id=host_id, new_seen=now, new_version=agent_version)


def drop(transaction: Transaction, host_id: str) -> None:
    """Forget a host that nothing is placed on."""
    transaction.run(_DROP, host_id=host_id)


def revision(transaction: Transaction, host_id: str) -> int | None:
    """The host's revision; None for a host that there is not."""
    found = transaction.scalar(_REVISION, host_id=host_id)
    return None if found is None else int(found)


def raise_revision(transaction: Transaction, host_id: str) -> int:
    """Say that something of the host changes. Returns the new revision; locks the host until the commit.

    Raises ApiError ``ServiceUnavailable`` for a host that has just been removed.
    """
    transaction.wake(host_id)
    raised = transaction.scalar(_RAISE, host_id=host_id)
    if raised is None:
        raise SERVICE_UNAVAILABLE.because(f"The host {host_id} was removed at this moment; try again.")
    tracing.raised(host_id, int(raised))
    return int(raised)


def raise_revisions(transaction: Transaction, host_ids: Iterable[str]) -> dict[str, int]:
    """The same of several hosts, which are locked in the order of their ids."""
    return {host_id: raise_revision(transaction, host_id) for host_id in sorted(set(host_ids))}


def surpass(transaction: Transaction, host_id: str, revision_then: int) -> None:
    """Raise the host's revision beyond another one that it had elsewhere, as ``raise_revision`` does by one."""
    now = raise_revision(transaction, host_id)
    if now <= revision_then:
        transaction.run(_SET, host_id=host_id, new_revision=revision_then + 1)
