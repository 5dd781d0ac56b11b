"""Faults: calls of the API that fail, hang or lose their answer, as a test has asked for."""

from __future__ import annotations

import asyncio
import random
import re
import secrets
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from gatewright.control.routes import Asked, Body, Refusal, Route, wrong
from gatewright.errors import GATEWAY_ROWS, ErrorRow
from gatewright.operations.declaration import Operation
from gatewright.wire.error_pages import rows_of
from gatewright.wire.interception import Dropped

ANY = "*"
#: Seconds of real time that an answer can be put off.
_LONGEST_DELAY = 300
_MOST_CALLS = 10_000
_MOST_FAULTS = 1000
_LONGEST_TEXT = 2000
_ID = re.compile(r"fault-[1-9][0-9]{0,8}\Z")
#: The ids begin again after it.
_LAST_ID = 999_999_999
#: What a whole number is at the most: JSON readers take it to the unit.
_LARGEST_NUMBER = 2**53
_MESSAGE = "The call was made to fail."


class FaultRule(Body):
    """Which calls are hit, and with what."""

    operation: str
    #: Which of the matching calls from now on, counted from 1. Neither these nor ``rate``: every one.
    call: int | UnsetType = UNSET
    calls: list[int] | UnsetType = UNSET
    #: How likely each one is hit, the same ones for the same seed.
    rate: float | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    #: How many are hit at the most.
    count: int | UnsetType = UNSET
    status: int | UnsetType = UNSET
    code: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    #: Seconds of real time.
    delay: float | UnsetType = UNSET
    drop: bool | UnsetType = UNSET
    when: Literal["before", "after"] = "before"


class Fault(FaultRule, kw_only=True):
    """One fault, and how it has fared."""

    id: str
    #: How many calls matched so far.
    seen: int = 0
    #: How many of them were hit.
    hits: int = 0

    def strikes(self) -> bool:
        """Whether the call that was seen last is hit."""
        if self.count is not UNSET and self.hits >= self.count:
            return False
        if self.call is not UNSET:
            return self.seen == self.call
        if self.calls is not UNSET:
            return self.seen in self.calls
        if self.rate is not UNSET:
            # A draw for each call by itself: nothing but seed and number has to be remembered.
            return random.Random(f"{self.seed}:{self.seen}").random() < self.rate  # noqa: S311 - no secret
        return True


class Faults:
    """The faults that there are."""

    def __init__(self, operations: Iterable[Operation[Any, Any]]) -> None:
        self._rows = {operation.title: (*rows_of(operation), *GATEWAY_ROWS) for operation in operations}
        self._rows[ANY] = GATEWAY_ROWS
        self._faults: dict[str, Fault] = {}
        self._last = 0
        #: Set when what waits for a fault's delay is to end.
        self._ended: dict[str, asyncio.Event] = {}

    def every(self) -> list[Fault]:
        """All of them, oldest first."""
        return list(self._faults.values())

    def add(self, rule: FaultRule) -> Fault:
        """Have a fault. Raises Refusal."""
        if len(self._faults) >= _MOST_FAULTS:
            raise Refusal(409, f"there are {_MOST_FAULTS} faults already; delete some")
        number = self._last % _LAST_ID + 1
        while f"fault-{number}" in self._faults:
            number = number % _LAST_ID + 1
        fault = Fault(**msgspec.structs.asdict(rule), id=f"fault-{number}")
        self._complete(fault)
        self._last = number
        self._faults[fault.id] = fault
        return fault

    def drop(self, fault_id: str) -> None:
        """End a fault, and the calls that it holds up. Raises KeyError."""
        del self._faults[fault_id]
        self._release(fault_id)

    def clear(self) -> None:
        """End all faults, and the calls that they hold up."""
        self._faults.clear()
        self.release()

    def release(self) -> None:
        """End the calls that faults hold up, each before it does anything more."""
        for fault_id in list(self._ended):
            self._release(fault_id)

    def _release(self, fault_id: str) -> None:
        ended = self._ended.pop(fault_id, None)
        if ended is not None:
            ended.set()

    async def hold_up(self, fault: Fault, seconds: float) -> None:
        """Let a fault's delay pass, of real time. Raises Dropped when the fault, or the state it was in, ends."""
        ended = self._ended.setdefault(fault.id, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                await ended.wait()
        except TimeoutError:
            return
        raise Dropped

    def check(self, faults: Iterable[Fault]) -> None:
        """Whether faults of a snapshot can be taken over. Raises Refusal."""
        seen: set[str] = set()
        for fault in faults:
            if len(seen) == _MOST_FAULTS:
                raise wrong("faults", f"are more than {_MOST_FAULTS}")
            if not _ID.match(fault.id) or fault.id in seen:
                raise wrong("faults", f"have an id that is not theirs: {fault.id[:40]}")
            seen.add(fault.id)
            if not 0 <= fault.hits <= fault.seen <= _LARGEST_NUMBER:
                raise wrong("faults", f"have numbers of calls that cannot be: {fault.id}")
            self._complete(fault)

    def restore(self, faults: Iterable[Fault]) -> None:
        """Have these faults instead, and number on from them."""
        self.clear()
        self._faults = {fault.id: fault for fault in faults}
        self._last = max((int(fault_id.removeprefix("fault-")) for fault_id in self._faults), default=0)

    def hitting(self, operation: str) -> list[Fault]:
        """The faults that hit a call that is made now: what comes before it first.

        Delays add up; of those that end the call only the oldest counts.
        """
        struck: list[Fault] = []
        ended: set[str] = set()
        for fault in sorted(self._faults.values(), key=lambda fault: fault.when == "after"):
            if fault.operation not in (ANY, operation):
                continue
            fault.seen += 1
            if ended & {"before", fault.when} or not fault.strikes():
                continue
            fault.hits += 1
            struck.append(fault)
            if fault.delay is UNSET:
                ended.add(fault.when)
        return struck

    def _complete(self, fault: Fault) -> None:
        """Check a fault, and fill in what follows from what it says. Raises Refusal."""
        if fault.operation not in self._rows:
            raise wrong("operation", f"must be {ANY} or the name of an operation that is served")
        _check_which(fault)
        given = [name for name in ("code", "delay", "drop") if getattr(fault, name) is not UNSET]
        if len(given) != 1:
            raise Refusal(400, "say what is to happen: either code (and status), or delay, or drop")
        if fault.code is UNSET:
            for name in ("status", "message"):
                if getattr(fault, name) is not UNSET:
                    raise wrong(name, "goes with code")
        else:
            self._complete_error(fault, fault.code)
        if fault.delay is not UNSET and not 0 < fault.delay <= _LONGEST_DELAY:
            raise wrong("delay", f"must be more than 0 and at most {_LONGEST_DELAY} seconds")
        if fault.drop is False:
            raise wrong("drop", "must be true, or be left out")

    def _complete_error(self, fault: Fault, code: str) -> None:
        """Take what is left out of an error from the operation's documented row of that code."""
        for name, text in (("code", code), ("message", fault.message)):
            if isinstance(text, str) and not (1 <= len(text) <= _LONGEST_TEXT and text.isprintable()):
                raise wrong(name, f"must be 1 to {_LONGEST_TEXT} printable characters")
        row: ErrorRow | None = next(
            (row for row in self._rows[fault.operation] if row.code == code and fault.status in (UNSET, row.status)),
            None,
        )
        if fault.status is UNSET:
            if row is None:
                raise wrong("status", f"must be given: no documented error of {fault.operation} has the code {code}")
            fault.status = row.status
        if not 400 <= fault.status <= 599:
            raise wrong("status", "must be 400 to 599")
        if fault.message is UNSET:
            fault.message = row.message if row is not None else _MESSAGE


def _check_which(fault: Fault) -> None:
    """Which calls are hit. Raises Refusal."""
    if sum(value is not UNSET for value in (fault.call, fault.calls, fault.rate)) > 1:
        raise Refusal(400, "give only one of call, calls and rate")
    for name, number in (("call", fault.call), ("count", fault.count)):
        if number is not UNSET and not 1 <= number <= _LARGEST_NUMBER:
            raise wrong(name, f"must be 1 to {_LARGEST_NUMBER}")
    if fault.calls is not UNSET and not (
        0 < len(fault.calls) <= _MOST_CALLS and min(fault.calls) >= 1 and max(fault.calls) <= _LARGEST_NUMBER
    ):
        raise wrong("calls", f"must be 1 to {_MOST_CALLS} numbers of 1 to {_LARGEST_NUMBER}")
    if fault.seed is not UNSET and abs(fault.seed) > _LARGEST_NUMBER:
        raise wrong("seed", f"must be -{_LARGEST_NUMBER} to {_LARGEST_NUMBER}")
    if fault.rate is UNSET:
        if fault.seed is not UNSET:
            raise wrong("seed", "goes with rate")
    elif not 0 <= fault.rate <= 1:
        raise wrong("rate", "must be 0 to 1")
    elif fault.seed is UNSET:
        fault.seed = secrets.randbelow(2**31)


def routes(faults: Faults) -> tuple[Route, ...]:
    """``/v1/faults``."""

    async def tell(asked: Asked) -> list[Fault]:  # noqa: ARG001 - a request without contents
        return faults.every()

    async def add(asked: Asked) -> Fault:
        return faults.add(asked.body)

    async def clear(asked: Asked) -> dict[str, object]:  # noqa: ARG001 - a request without contents
        faults.clear()
        return {}

    async def drop(asked: Asked) -> dict[str, object]:
        try:
            faults.drop(asked.path["id"])
        except KeyError:
            raise Refusal(404, f"there is no fault {asked.path['id']}; GET /v1/faults lists them", "id") from None
        return {}

    return (
        Route("GET", "/v1/faults", tell),
        Route("POST", "/v1/faults", add, FaultRule),
        Route("DELETE", "/v1/faults", clear),
        Route("DELETE", "/v1/faults/{id}", drop),
    )
