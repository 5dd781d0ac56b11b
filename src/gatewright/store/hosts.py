"""Hosts and their revisions."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, insert, select, update

from gatewright.store.schema import hosts
from gatewright.store.statement import Statement
from gatewright.store.transaction import Transaction

#: The machine that the service itself runs on.
LOCAL = "local"

_REVISION = Statement(select(hosts.c.revision).where(hosts.c.id == bindparam("host_id")))
_ADD = Statement(insert(hosts))
_RAISE = Statement(
    update(hosts)
    .where(hosts.c.id == bindparam("host_id"))
    .values(revision=hosts.c.revision + 1)
    .returning(hosts.c.revision)
)
_SET = Statement(update(hosts).where(hosts.c.id == bindparam("host_id")).values(revision=bindparam("new_revision")))


def ensure(transaction: Transaction, host_id: str) -> None:
    """Add the host unless it is there."""
    if revision(transaction, host_id) is None:
        transaction.run(_ADD, id=host_id, revision=0)


def revision(transaction: Transaction, host_id: str) -> int | None:
    """The host's revision; None for a host that there is not."""
    found = transaction.scalar(_REVISION, host_id=host_id)
    return None if found is None else int(found)


def raise_revision(transaction: Transaction, host_id: str) -> int:
    """Say that something of the host changes. Returns the new revision; locks the host until the commit."""
    transaction.wake(host_id)
    return int(transaction.scalar(_RAISE, host_id=host_id))


def raise_revisions(transaction: Transaction, host_ids: Iterable[str]) -> dict[str, int]:
    """The same of several hosts, which are locked in the order of their ids."""
    return {host_id: raise_revision(transaction, host_id) for host_id in sorted(set(host_ids))}


def surpass(transaction: Transaction, host_id: str, revision_then: int) -> None:
    """Raise the host's revision beyond another one that it had elsewhere, as ``raise_revision`` does by one."""
    now = raise_revision(transaction, host_id)
    if now <= revision_then:
        transaction.run(_SET, host_id=host_id, new_revision=revision_then + 1)
