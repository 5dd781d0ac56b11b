"""The end of a subscription."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gatewright.orders.ordering import end_of_term


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]  # year to minute


@pytest.mark.parametrize(
    ("begin", "months", "end"),
    [
        (at(2026, 11, 23, 8), 1, at(2026, 12, 23, 8)),
        (at(2026, 11, 23, 8), 2, at(2027, 1, 23, 8)),
        (at(2026, 1, 31), 1, at(2026, 2, 28)),
        (at(2028, 1, 31), 1, at(2028, 2, 29)),
        (at(2026, 12, 31), 12, at(2027, 12, 31)),
        (at(2026, 12, 31), 36, at(2029, 12, 31)),
        (at(2026, 12, 15), 12, at(2027, 12, 15)),
    ],
)
def test_a_term_ends_on_the_same_day_or_the_months_last(begin: int, months: int, end: int) -> None:
    assert end_of_term(begin, months) == end
