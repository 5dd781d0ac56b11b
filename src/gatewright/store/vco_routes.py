"""The routes of attachments. One has few (a quota), so they are read whole."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from gatewright.store.schema import vco_routes
from gatewright.store.statement import Query, Statement
from gatewright.store.transaction import Transaction


class VcoRouteRow(msgspec.Struct, frozen=True):
    """One route, as the table has it."""

    #: The attachment, which is its next hop too.
    connection_id: str
    account_id: str
    destination: str
    #: 0 or 100.
    weight: int
    description: str
    created_at: int


_c = vco_routes.c
_OF_ATTACHMENT = _c.connection_id == bindparam("of_attachment")
_KEY = (_OF_ATTACHMENT, _c.destination == bindparam("leading_to"))
_ADD = Statement(insert(vco_routes))
_ROWS = Query(
    select(*(_c[name] for name in VcoRouteRow.__struct_fields__))
    .where(_OF_ATTACHMENT)
    .order_by(_c.created_at, _c.destination),
    VcoRouteRow,
)
_CHANGE = Statement(update(vco_routes).where(*_KEY).values(weight=bindparam("new_weight")))
_DROP = Statement(delete(vco_routes).where(*_KEY))
_DROP_OF = Statement(delete(vco_routes).where(_OF_ATTACHMENT))


def add(transaction: Transaction, row: VcoRouteRow) -> None:
    """Add a route to where the attachment has none."""
    transaction.run(_ADD, **msgspec.structs.asdict(row))


def of_attachment(transaction: Transaction, connection_id: str) -> list[VcoRouteRow]:
    """The routes of an attachment, oldest first."""
    return transaction.all(_ROWS, of_attachment=connection_id)


def change(transaction: Transaction, row: VcoRouteRow) -> None:
    """Store a route's weight, from a changed row."""
    transaction.run(_CHANGE, of_attachment=row.connection_id, leading_to=row.destination, new_weight=row.weight)


def drop(transaction: Transaction, row: VcoRouteRow) -> None:
    """Forget a route."""
    transaction.run(_DROP, of_attachment=row.connection_id, leading_to=row.destination)


def drop_of(transaction: Transaction, connection_id: str) -> None:
    """Forget the routes of an attachment."""
    transaction.run(_DROP_OF, of_attachment=connection_id)
