"""What an endpoint of the control API is made of, and how a request to it is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

#: Bytes of a body where nothing else is said.
LARGEST = 64 * 1024


class Refusal(Exception):
    """A request that is not carried out, and why."""

    def __init__(self, status: int, error: str, parameter: str = "") -> None:
        super().__init__(error)
        self.status = status
        #: A sentence for people.
        self.error = error
        #: The field of the body, or the part of the path or query, that is wrong; empty where none is.
        self.parameter = parameter
        #: Headers of the answer.
        self.headers: tuple[tuple[bytes, bytes], ...] = ()


def wrong(parameter: str, rule: str) -> Refusal:
    """A value that breaks a rule."""
    return Refusal(400, f"{parameter} {rule}", parameter)


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A request's JSON object. Fields that it does not declare are refused."""


class Nothing(Body):
    """The body of a request that has none, or an empty object."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    #: The values of the path's parts in braces.
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any


class Route(NamedTuple):
    """One method of one path."""

    method: str
    #: With parts in braces that stand for any value: ``/v1/faults/{id}``.
    path: str
    #: Carries a request out and returns what is answered as JSON. Raises Refusal.
    handle: Callable[[Asked], Awaitable[Any]]
    #: What the body is decoded to; bytes for a body that is handed on as it is.
    body: type[Body] | type[bytes] = Nothing
    #: Names that the query may have.
    query: tuple[str, ...] = ()
    #: How large the body may be, bytes.
    most: int = LARGEST
    #: Whether the host settles before and after it: what was asked of the API earlier has begun, and what follows from
    #: the request is seen when it is answered.
    settles: bool = False
