"""What was last seen of tunnels, in their rows; who may be told their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import and_, bindparam, case, func, select, update

from gatewright.resources.connection_status import UNSEEN, TunnelWord
from gatewright.resources.specs import Kind
from gatewright.resources.troubles import OF_BGP, Cause
from gatewright.resources.tunnel_states import BgpStatus, HealthStatus, LearnedRoute, Trouble, TunnelState, TunnelStatus
from gatewright.store.among import QueryAmong, StatementAmong
from gatewright.store.schema import customer_gateways, placements, tunnels, vpn_connections, vpn_gateways
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction
from gatewright.store.tunnels import TunnelRow


class SeenTunnel(msgspec.Struct, frozen=True):
    """One tunnel, whose it is, and what was last seen of it."""

    id: str
    connection_id: str
    account_id: str
    region_id: str
    instance_id: str | None
    status: str
    bgp_status: str
    health_status: str
    detail: str
    #: As :func:`note` stores them.
    troubles: str
    learned: str
    clock_ahead: int | None
    seen_at: int | None

    @property
    def seen(self) -> bool:
        """Whether anything of it was, that counts still."""
        return self.seen_at is not None

    @property
    def word(self) -> TunnelWord:
        return TunnelWord(TunnelStatus(self.status), BgpStatus(self.bgp_status), HealthStatus(self.health_status))


class TunnelCount(NamedTuple):
    """How many tunnels end at an instance."""

    instance_id: str
    all: int
    #: Those that carry, as far as IPsec goes.
    up: int


class LearnedIn(NamedTuple):
    """What a customer announces inside a tunnel of a gateway that its VPC is told of it."""

    vpc_id: str
    gateway_id: str
    learned: str


class _StatusCount(NamedTuple):
    status: str
    tunnels: int


_TROUBLES = msgspec.json.Decoder(list[Trouble])
_LEARNED = msgspec.json.Decoder(list[LearnedRoute])
#: What a row says of a tunnel with nothing wrong, or nothing learned.
NOTHING = "[]"


class SealedSecret(msgspec.Struct, frozen=True):
    """A secret as its row has it."""

    id: str
    version: int
    sealed: bytes | None


_t = tunnels.c
_SELECT = select(
    _t.id,
    _t.connection_id,
    vpn_connections.c.account_id,
    vpn_connections.c.region_id,
    _t.instance_id,
    _t.status,
    _t.bgp_status,
    _t.health_status,
    _t.detail,
    _t.troubles,
    _t.learned,
    _t.clock_ahead,
    _t.seen_at,
).join(vpn_connections, vpn_connections.c.id == _t.connection_id)
#: Of tunnels whose instance is wanted on a host.
_HERE = and_(
    placements.c.kind == Kind.INSTANCE.value,
    placements.c.item_id == _t.instance_id,
    placements.c.tombstone.is_(False),
    placements.c.host_id == bindparam("of_host"),
)
_PLACED = QueryAmong(_SELECT.join(placements, _HERE), _t.id, SeenTunnel)
_OF_CONNECTIONS = QueryAmong(_SELECT, _t.connection_id, SeenTunnel)
_OF_GATEWAYS = QueryAmong(_SELECT, _t.gateway_id, SeenTunnel)
_SPEAKING_TO = QueryAmong(_SELECT.where(_t.bgp_enabled.is_(True)), _t.customer_gateway_id, SeenTunnel)
_NOTE = Statement(
    update(tunnels)
    .where(_t.id == bindparam("of_id"))
    .values(
        status=bindparam("new_status"),
        bgp_status=bindparam("new_bgp"),
        health_status=bindparam("new_health"),
        detail=bindparam("new_detail"),
        troubles=bindparam("new_troubles"),
        learned=bindparam("new_learned"),
        learned_count=bindparam("new_count"),
        clock_ahead=bindparam("new_ahead"),
        seen_at=bindparam("new_at"),
    )
)
_FORGET = StatementAmong(
    update(tunnels).values(
        status=UNSEEN.status.value,
        bgp_status=UNSEEN.bgp.value,
        health_status=UNSEEN.health.value,
        detail="",
        troubles=NOTHING,
        learned=NOTHING,
        learned_count=0,
        clock_ahead=None,
        seen_at=None,
    ),
    _t.id,
)
_FORGET_SIDES = Statement(
    update(tunnels)
    .where(_t.id == bindparam("of_id"))
    .values(
        bgp_status=bindparam("new_bgp"),
        health_status=bindparam("new_health"),
        detail=bindparam("new_detail"),
        troubles=bindparam("new_troubles"),
        learned=bindparam("new_learned"),
        learned_count=bindparam("new_count"),
    )
)
_COUNTS = QueryAmong(
    select(_t.instance_id, func.count(), func.count(case((_t.status == TunnelStatus.IPSEC_SA_ESTABLISHED.value, 1))))
    .where(_t.instance_id.is_not(None))
    .group_by(_t.instance_id),
    _t.gateway_id,
    TunnelCount,
)
_LEARNED_IN = QueryAmong(
    select(vpn_gateways.c.vpc_id, vpn_gateways.c.id, _t.learned)
    .join(vpn_gateways, vpn_gateways.c.id == _t.gateway_id)
    .where(vpn_gateways.c.auto_propagate.is_(True), _t.learned != NOTHING),
    vpn_gateways.c.vpc_id,
    LearnedIn,
)
_COUNT_LEARNED = Statement(
    select(func.coalesce(func.sum(_t.learned_count), 0)).where(_t.gateway_id == bindparam("of_gateway"))
)
_BY_STATUS = Query(select(_t.status, func.count()).where(_t.gateway_id.is_not(None)).group_by(_t.status), _StatusCount)
_PSKS = QueryAmong(select(_t.id, _t.psk_version, _t.psk).join(placements, _HERE), _t.id, SealedSecret)
_AUTH_KEYS = QueryAmong(
    select(customer_gateways.c.id, customer_gateways.c.auth_key_version, customer_gateways.c.auth_key)
    .distinct()
    .join(tunnels, and_(_t.customer_gateway_id == customer_gateways.c.id, _t.bgp_enabled.is_(True)))
    .join(placements, _HERE),
    customer_gateways.c.id,
    SealedSecret,
)


def stored(told: Sequence[Trouble] | Sequence[LearnedRoute]) -> str:
    """Troubles or routes as a row has them."""
    return msgspec.json.encode(told).decode()


def troubles_of(row: SeenTunnel | TunnelRow) -> list[Trouble]:
    """What a row says is wrong with its tunnel."""
    return _TROUBLES.decode(row.troubles)


def learned_of(row: SeenTunnel | TunnelRow | LearnedIn) -> list[LearnedRoute]:
    """What a customer announces inside a row's tunnel."""
    return _LEARNED.decode(row.learned)


def clock_ahead(state: TunnelState, now: int) -> int | None:
    """By how many milliseconds the clock of who tells a state is ahead; None of one that has no clock of its own."""
    return state.told_at - now if state.told_at else None


def placed(transaction: Transaction, host_id: str, tunnel_ids: Sequence[str]) -> list[SeenTunnel]:
    """Those of the tunnels whose instance is wanted on the host."""
    return _PLACED.rows(transaction, tunnel_ids, of_host=host_id)


def of_connections(transaction: Transaction, connection_ids: Sequence[str]) -> list[SeenTunnel]:
    """The tunnels of some connections."""
    return _OF_CONNECTIONS.rows(transaction, connection_ids)


def of_gateways(transaction: Transaction, gateway_ids: Sequence[str]) -> list[SeenTunnel]:
    """The tunnels of some gateways."""
    return _OF_GATEWAYS.rows(transaction, gateway_ids)


def speaking_to(transaction: Transaction, customer_gateway_id: str) -> list[SeenTunnel]:
    """The tunnels with BGP that lead to a customer gateway."""
    return _SPEAKING_TO.rows(transaction, [customer_gateway_id])


def counts(transaction: Transaction, gateway_ids: Sequence[str]) -> dict[str, TunnelCount]:
    """How many tunnels end at the instances of some gateways; instances without any are not in it."""
    return {row.instance_id: row for row in _COUNTS.rows(transaction, gateway_ids)}


def learned_in(transaction: Transaction, vpc_ids: Sequence[str]) -> list[LearnedIn]:
    """What customers announce to the gateways of some VPCs which tell their VPC so, of each tunnel."""
    return _LEARNED_IN.rows(transaction, vpc_ids)


def count_learned(transaction: Transaction, gateway_id: str) -> int:
    """How many routes customers announce to a gateway, those of each tunnel counted."""
    return int(transaction.scalar(_COUNT_LEARNED, of_gateway=gateway_id))


def count_by_status(transaction: Transaction) -> dict[str, int]:
    """How many tunnels of all gateways have each status that any has. It looks at every tunnel."""
    return {row.status: row.tunnels for row in transaction.all(_BY_STATUS)}


def note(transaction: Transaction, states: Sequence[TunnelState], now: int) -> None:
    """Note what was seen of tunnels. ``now`` is milliseconds since the epoch, by the service's clock."""
    if states:
        transaction.run_each(
            _NOTE,
            [
                {
                    "of_id": state.id,
                    "new_status": state.status.value,
                    "new_bgp": state.bgp.value,
                    "new_health": state.health.value,
                    "new_detail": state.detail,
                    "new_troubles": stored(state.troubles),
                    "new_learned": stored(state.learned),
                    "new_count": len(state.learned),
                    "new_ahead": clock_ahead(state, now),
                    "new_at": state.at,
                }
                for state in states
            ],
        )


def forget(transaction: Transaction, tunnel_ids: Sequence[str]) -> None:
    """What was seen of these tunnels does not hold any more: nothing is known of them."""
    _FORGET.run(transaction, tunnel_ids)


def forget_sides(transaction: Transaction, row: SeenTunnel, *, bgp: bool, health: bool) -> None:
    """What was seen of a tunnel's session of BGP, or of its health check, does not hold any more; the rest does."""
    over = (OF_BGP if bgp else frozenset()) | (frozenset((Cause.HEALTH,)) if health else frozenset())
    troubles = troubles_of(row)
    # a health check fails through a tunnel that carries: nothing else is why it does not
    failing = health and any(each.cause == Cause.HEALTH for each in troubles)
    transaction.run(
        _FORGET_SIDES,
        of_id=row.id,
        new_bgp=UNSEEN.bgp.value if bgp else row.bgp_status,
        new_health=UNSEEN.health.value if health else row.health_status,
        new_detail="" if failing else row.detail,
        new_troubles=stored([each for each in troubles if each.cause not in over]),
        new_learned=NOTHING if bgp else row.learned,
        new_count=0 if bgp else len(learned_of(row)),
    )


def pre_shared_keys(transaction: Transaction, host_id: str, tunnel_ids: Sequence[str]) -> list[SealedSecret]:
    """The sealed keys of those of the tunnels whose instance is wanted on the host."""
    return _PSKS.rows(transaction, tunnel_ids, of_host=host_id)


def auth_keys(transaction: Transaction, host_id: str, customer_gateway_ids: Sequence[str]) -> list[SealedSecret]:
    """The sealed BGP keys of those of the customer gateways that a tunnel with BGP on the host leads to."""
    return _AUTH_KEYS.rows(transaction, customer_gateway_ids, of_host=host_id)
