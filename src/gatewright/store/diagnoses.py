"""Diagnoses of gateways, as they were found: an account keeps its newest ones."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from gatewright.store.among import StatementAmong
from gatewright.store.schema import vpn_diagnoses
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction

#: Diagnoses that are kept of an account.
MOST_KEPT = 100


class DiagnosisRow(msgspec.Struct, frozen=True):
    """One diagnosis, as the table has it."""

    id: str
    account_id: str
    region_id: str
    gateway_id: str
    resource_type: str
    resource_id: str
    #: A JSON list of items.
    items: str
    #: Milliseconds since the epoch.
    begun_at: int
    finished_at: int


class _Id(msgspec.Struct, frozen=True):
    id: str


_c = vpn_diagnoses.c
_SELECT = select(*(_c[name] for name in DiagnosisRow.__struct_fields__))
_of_account = _c.account_id == bindparam("of_account")
_ADD = Statement(insert(vpn_diagnoses))
_FIND = Query(_SELECT.where(_of_account, _c.id == bindparam("of_id")), DiagnosisRow)
_NEWEST = Query(
    _SELECT.where(_of_account, _c.gateway_id == bindparam("of_gateway"))
    .order_by(_c.begun_at.desc(), _c.id.desc())
    .limit(1),
    DiagnosisRow,
)
_TOO_MANY = Query(
    select(_c.id).where(_of_account).order_by(_c.begun_at.desc(), _c.id.desc()).limit(50).offset(bindparam("kept")), _Id
)
_DROP = StatementAmong(delete(vpn_diagnoses), _c.id)
_DROP_OF_GATEWAY = Statement(delete(vpn_diagnoses).where(_c.gateway_id == bindparam("of_gateway")))


def add(transaction: Transaction, row: DiagnosisRow) -> None:
    """Keep a diagnosis, and forget the account's oldest ones beyond :data:`MOST_KEPT`. The account is locked."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))
    many: Sequence[_Id] = transaction.all(_TOO_MANY, of_account=row.account_id, kept=MOST_KEPT)
    _DROP.run(transaction, [each.id for each in many])


def find(transaction: Transaction, account_id: str, diagnosis_id: str) -> DiagnosisRow | None:
    """An account's diagnosis, or None."""
    return transaction.one(_FIND, of_account=account_id, of_id=diagnosis_id)


def newest(transaction: Transaction, account_id: str, gateway_id: str) -> DiagnosisRow | None:
    """The last diagnosis of a gateway, or None."""
    return transaction.one(_NEWEST, of_account=account_id, of_gateway=gateway_id)


def drop_of(transaction: Transaction, gateway_id: str) -> None:
    """Forget a gateway's diagnoses."""
    transaction.run(_DROP_OF_GATEWAY, of_gateway=gateway_id)
