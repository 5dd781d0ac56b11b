"""Steps in between the API's calls and their answers: faults strike here, and calls are noted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from msgspec import UNSET

from gatewright.control.calls import Calls
from gatewright.control.faults import Fault, Faults
from gatewright.errors import ApiError
from gatewright.operations.declaration import Part
from gatewright.wire.interception import Dropped, Outcome
from gatewright.wire.message import Message


class FaultsAndCalls:
    """What the endpoint asks of an interception."""

    def __init__(self, faults: Faults, calls: Calls) -> None:
        self._faults = faults
        self._calls = calls

    async def carry_out(self, operation: str, run: Callable[[], Awaitable[Part]]) -> Part:
        struck = self._faults.hitting(operation)
        await self._suffer(fault for fault in struck if fault.when == "before")
        after = [fault for fault in struck if fault.when == "after"]
        try:
            result = await run()
        except ApiError:
            await self._suffer(after)
            raise
        await self._suffer(after)
        return result

    def ended(self, message: Message, outcome: Outcome) -> None:
        self._calls.note(message, outcome)

    async def _suffer(self, faults: Iterable[Fault]) -> None:
        """Let faults take effect. Raises ApiError, Dropped."""
        for fault in faults:
            if fault.delay is not UNSET:
                await self._faults.hold_up(fault, fault.delay)
            elif fault.drop is not UNSET:
                raise Dropped
            elif fault.status is not UNSET and fault.code is not UNSET and fault.message is not UNSET:
                raise ApiError(
                    fault.status, fault.code, fault.message, f"{fault.id} of the control API made this fail."
                )
