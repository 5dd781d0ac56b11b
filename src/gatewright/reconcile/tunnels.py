"""Folding what agents tell of tunnels into their rows, and opening secrets for the hosts that are to know them.

A state counts if its tunnel's instance is wanted on the host that tells it. One host's words are folded in the order
in which they come, which no clock can confuse.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from gatewright.link.contract import Secret
from gatewright.resources.connection_status import connection_status
from gatewright.resources.events import Event, Subject
from gatewright.resources.tunnel_states import TunnelLine, TunnelState, TunnelStatus
from gatewright.resources.tunnels import SecretRef, TunnelSpec, negotiated
from gatewright.secrets import Place, Sealer, SealError
from gatewright.store import accounts, events, tunnel_logs, tunnel_states
from gatewright.store.placements import PlacementRow
from gatewright.store.transaction import Transaction
from gatewright.store.tunnel_logs import NewLine
from gatewright.store.tunnel_states import SealedSecret, SeenTunnel

_log = logging.getLogger(__name__)
#: A difference of clocks that is told at every state is noted again when it has changed by so much, milliseconds.
_STEADY = 5_000


def fold_tunnels(
    transaction: Transaction, host_id: str, states: Sequence[TunnelState], lines: Sequence[TunnelLine], now: int
) -> None:
    """Note what a host's agent tells of tunnels, with an event for each connection whose status that changes.

    What is told of a tunnel that does not end on the host is old news and changes nothing. ``now``: milliseconds since
    the epoch.
    """
    ids = list(dict.fromkeys([state.id for state in states] + [line.tunnel_id for line in lines]))
    known = {row.id: row for row in tunnel_states.placed(transaction, host_id, ids)}
    for account_id in sorted({row.account_id for row in known.values()}):
        accounts.lock(transaction, account_id)
    if known and not transaction.alone:
        # Read again behind the locks: a write may have come in between.
        known = {row.id: row for row in tunnel_states.placed(transaction, host_id, ids)}
    news = {
        state.id: state
        for state in states
        if (row := known.get(state.id)) is not None and row.instance_id == state.instance_id
    }
    changed = [state for state in news.values() if not _says(known[state.id], state, now)]
    before = _of_connections(transaction, [known[state.id] for state in changed])
    tunnel_states.note(transaction, changed, now)
    events.add(transaction, _told(transaction, before, now))
    tunnel_logs.add(
        transaction,
        [
            NewLine(known[line.tunnel_id].connection_id, line.tunnel_id, line.at, line.text)
            for line in lines
            if line.tunnel_id in known
        ],
    )


def forget_placed(transaction: Transaction, left: Sequence[PlacementRow], now: int) -> None:
    """These instances have left their hosts: what was seen of their tunnels there does not hold any more."""
    instances = {row.item_id for row in left}
    ending = tunnel_states.of_gateways(transaction, list(dict.fromkeys(row.resource_id for row in left)))
    forget_tunnels(transaction, [row for row in ending if row.instance_id in instances], now)


def forget_tunnels(transaction: Transaction, tunnels: Sequence[SeenTunnel], now: int) -> None:
    """What was seen of these tunnels does not hold any more, as after a change of them. Their accounts are locked."""
    seen = [row for row in tunnels if row.seen]
    before = _of_connections(transaction, seen)
    tunnel_states.forget(transaction, [row.id for row in seen])
    events.add(transaction, _told(transaction, before, now))


def forget_changed(
    transaction: Transaction, before: Mapping[str, TunnelSpec], after: Mapping[str, TunnelSpec], now: int
) -> None:
    """The tunnels of a connection change: what was seen of what changes does not hold any more, and the rest does.

    Both have all of the connection's tunnels by their ids. Their account is locked.
    """
    rows = tunnel_states.of_connections(transaction, [next(iter(after.values())).connection_id])
    pairs = [(row, before[row.id], after[row.id]) for row in rows]
    anew = [row for row, was, is_now in pairs if negotiated(was) != negotiated(is_now)]
    forget_tunnels(transaction, anew, now)
    for row, was, is_now in pairs:
        bgp, health = was.bgp != is_now.bgp, was.health != is_now.health
        if row not in anew and (bgp or health):
            tunnel_states.forget_sides(transaction, row, bgp=bgp, health=health)


def open_secrets(
    transaction: Transaction, sealer: Sealer, host_id: str, references: Sequence[SecretRef]
) -> list[Secret]:
    """Those of the secrets that the host is to know, of the versions that are asked for.

    One that does not open is said in the log, and is not among them: it keeps nothing else from being told.
    """
    ids = list(dict.fromkeys(reference.id for reference in references))
    asked = set(references)
    found = _opened(sealer, "tunnels", "psk", tunnel_states.pre_shared_keys(transaction, host_id, ids))
    found += _opened(sealer, "customer_gateways", "auth_key", tunnel_states.auth_keys(transaction, host_id, ids))
    return [secret for secret in found if SecretRef(secret.id, secret.version) in asked]


def _opened(sealer: Sealer, table: str, column: str, rows: Iterable[SealedSecret]) -> list[Secret]:
    opened = []
    for row in rows:
        if row.sealed is None:
            continue
        try:
            value = sealer.open(row.sealed, Place(table, row.id, column))
        except SealError as error:
            _log.error("no tunnel of %s can come up: %s", row.id, error)
        else:
            opened.append(Secret(row.id, row.version, value))
    return opened


def _says(row: SeenTunnel, state: TunnelState, now: int) -> bool:
    """Whether the row says already what the state says; a clock that is a little further off is no news."""
    if not row.seen or (*row.word, row.detail) != (state.status, state.bgp, state.health, state.detail):
        return False
    before, is_now = row.clock_ahead, tunnel_states.clock_ahead(state, now)
    steady = before is is_now if before is None or is_now is None else abs(is_now - before) < _STEADY
    told = tunnel_states.stored(state.troubles), tunnel_states.stored(state.learned)
    return steady and (row.troubles, row.learned) == told


def _of_connections(transaction: Transaction, rows: Sequence[SeenTunnel]) -> dict[str, list[SeenTunnel]]:
    """All tunnels of the connections that some belong to."""
    found: dict[str, list[SeenTunnel]] = defaultdict(list)
    for row in tunnel_states.of_connections(transaction, list(dict.fromkeys(row.connection_id for row in rows))):
        found[row.connection_id].append(row)
    return found


def _told(transaction: Transaction, before: dict[str, list[SeenTunnel]], now: int) -> list[Event]:
    """An event for each of the connections that shows another status than before."""
    after = _of_connections(transaction, [rows[0] for rows in before.values()])
    told = []
    for connection_id, rows in before.items():
        was, is_now = (connection_status(row.word for row in each) for each in (rows, after[connection_id]))
        if was.status is not is_now.status:
            row = rows[0]
            # what is wrong with another tunnel is no reason why this one is up
            up = is_now.status is TunnelStatus.IPSEC_SA_ESTABLISHED
            telling = [each for each in after[connection_id] if not up or each.word.status is is_now.status]
            reasons = {each.id: each.detail for each in telling if each.detail}
            reason = "; ".join(f"{tunnel_id}: {detail}" for tunnel_id, detail in reasons.items())
            if len(reasons) > 1 and len(set(reasons.values())) == 1:
                reason = f"all tunnels: {next(iter(reasons.values()))}"
            told.append(
                Event(
                    row.account_id,
                    row.region_id,
                    now,
                    Subject.VPN_CONNECTION.value,
                    connection_id,
                    was.status.value,
                    is_now.status.value,
                    reason,
                )
            )
    return told
