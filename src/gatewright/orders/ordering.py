"""Placing an order for a resource."""

from __future__ import annotations

import calendar
import enum
from datetime import UTC, datetime

from gatewright import ids
from gatewright.store import ledgers
from gatewright.store.transaction import Transaction


class ChargeType(enum.StrEnum):
    """How a resource is paid for, as answers spell it."""

    PREPAY = "Prepay"
    POSTPAY = "PostpayByFlow"


def place(
    transaction: Transaction,
    *,
    account_id: str,
    resource_id: str,
    charge_type: ChargeType,
    period: int | None,
    now: int,
) -> int:
    """Place an order, paid at once. ``period`` is in months, None for pay-as-you-go. Returns the order's id."""
    order_id = ids.order_id()
    ledgers.add_order(
        transaction,
        ledgers.OrderRow(order_id, account_id, resource_id, charge_type.value, period, "paid", now),
    )
    return order_id


def end_of_term(now: int, months: int) -> int:
    """When a subscription of so many months ends: the same day and time, or the month's last day if it is shorter.

    Milliseconds since the epoch, as ``now``.
    """
    begin = datetime.fromtimestamp(now / 1000, UTC)
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    day = min(begin.day, calendar.monthrange(year, month + 1)[1])
    return int(begin.replace(year=year, month=month + 1, day=day).timestamp() * 1000)
