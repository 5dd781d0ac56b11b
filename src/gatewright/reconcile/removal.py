"""Taking a host out of an installation."""

from __future__ import annotations

import msgspec

from gatewright.reconcile import placement
from gatewright.reconcile.folding import fold
from gatewright.resources.specs import Observation, Phase
from gatewright.store import accounts, hosts, placements
from gatewright.store.transaction import Transaction


class Occupied(Exception):
    """Something is still placed on the host."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} items are on it")
        self.count = count


def remove(transaction: Transaction, host_id: str, *, fenced: bool, now: int) -> int:
    """Forget a host; from then on its certificate is nobody's. Returns how many items come to other hosts or are gone.

    ``fenced`` is a person's word that the host is dead and cannot come back by itself: it counts as the host's own word
    that all it had is gone. ``now``: milliseconds since the epoch. Raises Occupied without it, KeyError for a host that
    there is not.
    """
    if hosts.find(transaction, host_id) is None:
        raise KeyError(host_id)
    rows = placements.of_host(transaction, host_id)
    if rows and not fenced:
        raise Occupied(len(rows))
    if fenced:
        # Whose items are on it when the hosts are locked is not known yet, and accounts are locked before hosts.
        for account in accounts.every(transaction):
            accounts.lock(transaction, account.id)
    host = next((row for row in hosts.lock_all(transaction) if row.id == host_id), None)
    if host is None:
        raise KeyError(host_id)
    # It is chosen for nothing any more; what was placed until now is seen behind the lock.
    hosts.change(transaction, msgspec.structs.replace(host, zones="", draining=True))
    rows = placements.of_host(transaction, host_id)
    if rows and not fenced:
        raise Occupied(len(rows))
    if rows:
        placement.withdraw(transaction, [row for row in rows if not row.tombstone])
        gone = [Observation(kind=row.key.kind, id=row.item_id, generation=0, phase=Phase.REMOVED) for row in rows]
        fold(transaction, host_id, gone, now)
    left = placements.of_host(transaction, host_id)
    if left:
        raise Occupied(len(left))
    hosts.drop(transaction, host_id)
    return len(rows)
