"""Where something may step in between calls and their answers. Nothing does unless a test steers the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gatewright.operations.declaration import Part
from gatewright.wire.message import Message

#: The extension in an ASGI scope that closes the request's connection without an answer.
DROP = "gatewright.drop"


class Dropped(Exception):
    """The connection is to be closed, and the call gets no answer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended."""

    request_id: str
    #: None when the connection was dropped.
    status: int | None
    #: The error's code; None for a success, and when the connection was dropped.
    code: str | None


class Interception(Protocol):
    """What steps in."""

    async def carry_out(self, operation: str, run: Callable[[], Awaitable[Part]]) -> Part:
        """Carry out a call that is authenticated and decoded, by ``run``, or do something else.

        Raises ApiError, Dropped.
        """
        ...

    def ended(self, message: Message, outcome: Outcome) -> None:
        """Take note of a call that has ended, whether it was carried out or refused before."""
        ...
