"""What clients sent, for tests that look at their own requests."""

from __future__ import annotations

import sys
from collections import deque

import msgspec

from gatewright.clock import Clock, iso_seconds
from gatewright.control.redaction import identifier, without_secrets
from gatewright.control.routes import Asked, Route, wrong
from gatewright.errors import ApiError
from gatewright.wire.interception import Outcome
from gatewright.wire.message import Message
from gatewright.wire.signature import parse_v3_authorization

MOST = 10_000
#: Bytes of memory of all that is remembered.
_LARGEST = 64 * 1024 * 1024
#: Bytes of a record without what is in it, and of each parameter without its characters.
_RECORD = 400
_PARAMETER = 100
_SHOWN = 100


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One call, as it came and how it ended."""

    #: A running number.
    number: int
    #: By the service's clock.
    time: str
    operation: str
    version: str
    parameters: dict[str, str]
    access_key_id: str
    #: ``1.0`` or ``3.0``; empty for a call that is not signed.
    signature_version: str
    #: Null when the connection was dropped.
    status: int | None
    #: The error's code; null when there was none.
    code: str | None
    request_id: str


def size_of(record: CallRecord) -> int:
    """About how many bytes of memory it takes."""
    texts = (
        record.time,
        record.operation,
        record.version,
        record.access_key_id,
        record.signature_version,
        record.code or "",
        record.request_id,
        *record.parameters,
        *record.parameters.values(),
    )
    return _RECORD + _PARAMETER * len(record.parameters) + sum(map(sys.getsizeof, texts))


class Calls:
    """The last calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        #: With the size of each, which is not asked twice: a text grows when it is first encoded.
        self._calls: deque[tuple[CallRecord, int]] = deque()
        self._size = 0
        self._last = 0

    def note(self, message: Message, outcome: Outcome) -> None:
        """Remember a call, and forget the oldest ones when there are too many."""
        try:
            parameters = message.parameters
        except ApiError:
            parameters = {}
        key_id, version = _signed_by(message, parameters)
        self._last += 1
        record = CallRecord(
            number=self._last,
            time=iso_seconds(self._clock.now()),
            operation=identifier(parameters.get("Action") or message.header("x-acs-action") or ""),
            version=identifier(parameters.get("Version") or message.header("x-acs-version") or ""),
            parameters=without_secrets(parameters),
            access_key_id=identifier(key_id),
            signature_version=identifier(version),
            status=outcome.status,
            code=outcome.code,
            request_id=outcome.request_id,
        )
        size = size_of(record)
        self._calls.append((record, size))
        self._size += size
        while len(self._calls) > MOST or self._size > _LARGEST:
            self._size -= self._calls.popleft()[1]

    def clear(self) -> None:
        """Forget all calls; the numbers go on."""
        self._calls.clear()
        self._size = 0

    def some(self, operation: str | None, after: int | None, limit: int) -> list[CallRecord]:
        """Calls, newest last: the first ones after a number, or else the newest."""
        found = [
            call
            for call, _ in self._calls
            if (operation is None or call.operation == operation) and (after is None or call.number > after)
        ]
        return found[-limit:] if after is None else found[:limit]


def _signed_by(message: Message, parameters: dict[str, str]) -> tuple[str, str]:
    """The access key's id and the signature's version, as the request has them."""
    header = message.header("authorization")
    if header is None:
        return parameters.get("AccessKeyId", ""), parameters.get("SignatureVersion", "")
    try:
        return parse_v3_authorization(header).key_id, "3.0"
    except ApiError:
        return "", "3.0"


def routes(calls: Calls) -> tuple[Route, ...]:
    """``/v1/calls``."""

    async def tell(asked: Asked) -> list[CallRecord]:
        limit = _number(asked, "limit", 1, MOST)
        after = _number(asked, "after", 0, 2**53)
        return calls.some(asked.query.get("operation"), after, _SHOWN if limit is None else limit)

    async def clear(asked: Asked) -> dict[str, object]:  # noqa: ARG001 - a request without contents
        calls.clear()
        return {}

    return (
        Route("GET", "/v1/calls", tell, query=("operation", "limit", "after")),
        Route("DELETE", "/v1/calls", clear),
    )


def _number(asked: Asked, name: str, low: int, high: int) -> int | None:
    text = asked.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise wrong(name, f"must be a whole number of {low} to {high}")
    return int(text)
