"""What is kept about requests rather than resources: orders, client tokens, nonces, counts."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, delete, exists, func, insert, select, update

from gatewright.store.schema import client_tokens, counters, nonces, orders
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class OrderRow(msgspec.Struct, frozen=True):
    """One order."""

    id: int
    account_id: str
    resource_id: str
    charge_type: str
    period: int | None
    status: str
    created_at: int


class TokenRow(msgspec.Struct, frozen=True):
    """The first answer to a client token: what was asked (a digest), what was answered, and when."""

    digest: bytes
    response: bytes
    created_at: int


#: The kinds that are counted.
VPN_GATEWAYS = "vpn_gateway"

_ADD_ORDER = Statement(insert(orders))

_is_token = (
    client_tokens.c.account_id == bindparam("of_account"),
    client_tokens.c.action == bindparam("of_action"),
    client_tokens.c.token == bindparam("of_token"),
)
_TOKEN = Query(
    select(client_tokens.c.digest, client_tokens.c.response, client_tokens.c.created_at).where(*_is_token),
    TokenRow,
)
_ADD_TOKEN = Statement(insert(client_tokens))
_DROP_TOKEN = Statement(delete(client_tokens).where(*_is_token))
_DROP_TOKENS = Statement(delete(client_tokens).where(client_tokens.c.created_at < bindparam("before")))

_expiry = bindparam("of_expiry", type_=nonces.c.expires_at.type)
_digest = bindparam("of_digest", type_=nonces.c.digest.type)
_USE_NONCE = Statement(
    insert(nonces).from_select(
        ["expires_at", "digest"],
        select(_expiry, _digest).where(~exists().where(nonces.c.expires_at == _expiry, nonces.c.digest == _digest)),
    )
)
_DROP_NONCES = Statement(delete(nonces).where(nonces.c.expires_at < bindparam("before")))

_is_counter = (
    counters.c.account_id == bindparam("of_account"),
    counters.c.kind == bindparam("of_kind"),
    counters.c.region_id == bindparam("of_region"),
)
_COUNT = Statement(select(counters.c.count).where(*_is_counter))
_TOTAL = Statement(
    select(func.sum(counters.c.count)).where(
        counters.c.account_id == bindparam("of_account"), counters.c.kind == bindparam("of_kind")
    )
)
_ADD_COUNTER = Statement(insert(counters))
_ADJUST = Statement(update(counters).where(*_is_counter).values(count=counters.c.count + bindparam("change")))


def add_order(transaction: Transaction, row: OrderRow) -> None:
    """Note an order."""
    transaction.run(_ADD_ORDER, **msgspec.structs.asdict(row))


def token(transaction: Transaction, account_id: str, action: str, client_token: str) -> TokenRow | None:
    """What a client token was used for, or None."""
    return transaction.one(_TOKEN, of_account=account_id, of_action=action, of_token=client_token)


def add_token(transaction: Transaction, account_id: str, action: str, client_token: str, row: TokenRow) -> None:
    """Remember a client token's first answer."""
    transaction.run(
        _ADD_TOKEN,
        account_id=account_id,
        action=action,
        token=client_token,
        digest=row.digest,
        response=row.response,
        created_at=row.created_at,
    )


def drop_token(transaction: Transaction, account_id: str, action: str, client_token: str) -> None:
    """Forget a client token that has expired."""
    transaction.run(_DROP_TOKEN, of_account=account_id, of_action=action, of_token=client_token)


def use_nonce(transaction: Transaction, digest: bytes, expires_at: int) -> bool:
    """Remember a nonce. False when it was used before: by a request of the same time, which a repetition has."""
    return transaction.run(_USE_NONCE, of_expiry=expires_at, of_digest=digest) == 1


def expire(transaction: Transaction, *, tokens_before: int, nonces_before: int) -> None:
    """Forget client tokens first used, and nonces expired, before these times."""
    transaction.run(_DROP_TOKENS, before=tokens_before)
    transaction.run(_DROP_NONCES, before=nonces_before)


def count(transaction: Transaction, account_id: str, kind: str, region_id: str) -> int:
    """How many resources of a kind an account has in a region."""
    return int(transaction.scalar(_COUNT, of_account=account_id, of_kind=kind, of_region=region_id) or 0)


def total(transaction: Transaction, account_id: str, kind: str) -> int:
    """How many resources of a kind an account has in all regions."""
    return int(transaction.scalar(_TOTAL, of_account=account_id, of_kind=kind) or 0)


def adjust(transaction: Transaction, account_id: str, kind: str, region_id: str, change: int) -> None:
    """Change a count. The account is locked, so nobody else adds the row meanwhile."""
    found = transaction.run(_ADJUST, of_account=account_id, of_kind=kind, of_region=region_id, change=change)
    if found == 0:
        transaction.run(_ADD_COUNTER, account_id=account_id, kind=kind, region_id=region_id, count=change)
