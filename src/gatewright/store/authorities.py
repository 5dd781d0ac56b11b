"""What issues certificates in an installation; private keys are sealed."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, insert, select

from gatewright.store.schema import authorities
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

#: The one that certifies hosts and the endpoint that their agents call.
HOSTS = "hosts"


class AuthorityRow(msgspec.Struct, frozen=True):
    """One certificate authority."""

    id: str
    #: PEM.
    certificate: str
    #: Sealed PEM.
    private_key: bytes
    created_at: int


_FIND = Query(
    select(*(authorities.c[name] for name in AuthorityRow.__struct_fields__)).where(
        authorities.c.id == bindparam("authority_id")
    ),
    AuthorityRow,
)
_ADD = Statement(insert(authorities))


def find(transaction: Transaction, authority_id: str) -> AuthorityRow | None:
    """An authority, or None."""
    return transaction.one(_FIND, authority_id=authority_id)


def add(transaction: Transaction, row: AuthorityRow) -> None:
    """Add an authority."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))
