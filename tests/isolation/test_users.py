"""Numbers to run as: nobody's, always the same, and never one for two kinds of process."""

from __future__ import annotations

import pytest

from gatewright.isolation import users


def nobodys(number: int) -> bool:
    return False


def test_a_seed_has_always_the_same_number_in_its_lane() -> None:
    for seed in map(str, range(1000)):
        even, odd = (users.numbered(seed, lane, nobodys) for lane in (0, 1))
        assert even == users.numbered(seed, 0, nobodys)
        assert users.FIRST <= min(even, odd) <= max(even, odd) <= users.LAST
        assert (even % 2, odd % 2) == (0, 1)


def test_seeds_seldom_meet() -> None:
    assert len({users.numbered(str(number), 0, nobodys) for number in range(100)}) > 90


def test_a_number_with_an_account_is_passed_over() -> None:
    first = users.numbered("a", 0, nobodys)
    assert users.numbered("a", 0, lambda number: number == first) == (
        first + 2 if first + 2 <= users.LAST else users.FIRST
    )
    with pytest.raises(LookupError):
        users.numbered("a", 0, lambda number: True)


def test_root_has_an_account() -> None:
    assert users.has_account(0)
