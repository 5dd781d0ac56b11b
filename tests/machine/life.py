"""What the lives of all resources share: two accounts, the model of each, and how a call is compared with it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.machine.ending import end_lives
from tests.machine.model import Account, Refusal
from tests.support.cell import Cell
from tests.support.client import Refused

Thing = TypeVar("Thing")
WHO = st.sampled_from((0, 1))
AT = st.integers(0, 3)
TAGS = st.sampled_from((None, None, "red", "blue"))
GROUPS = "2020-03-31"
_accounts = itertools.count(3_000_000_000_000_000)


class Life(RuleBasedStateMachine):
    """Two accounts that nobody has used before."""

    service: ClassVar[Cell]

    def __init__(self) -> None:
        super().__init__()
        self.cells = [self.service.other(str(next(_accounts))) for _ in range(2)]
        self.models = [Account(), Account()]

    def teardown(self) -> None:
        end_lives(self.cells)

    def _attempt(self, who: int, expected: Refusal, action: str, **parameters: Any) -> dict[str, Any] | None:
        """Call, and compare the refusal with the model's. The answer, or None where it was refused."""
        try:
            answer = self.cells[who].call(action, **parameters)
        except Refused as refused:
            assert (refused.status, refused.code) == expected, refused
            return None
        assert expected is None, f"{action} was served, and should have been refused with {expected}"
        return answer

    def _one_of(self, things: Sequence[Thing], at: int) -> Thing | None:
        return things[at % len(things)] if things else None
