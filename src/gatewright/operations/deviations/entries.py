"""What an entry of the table of deviations is, and the shapes that many entries have."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from gatewright.errors import ErrorRow


class Kind(enum.Enum):
    """The part of a declaration that differs."""

    OPERATION = "operation"
    REQUEST = "request"
    RESPONSE = "response"
    ERROR = "error"


class Difference(NamedTuple):
    """One difference between a declaration and the reference."""

    #: Its title.
    operation: str
    kind: Kind
    #: A parameter; a response field as ``Vpcs.Vpc[].CenStatus``; an error code.
    subject: str
    #: As the comparison words it: ``not told``, ``type boolean, reference string``, an error row's status and text.
    what: str


@dataclass(frozen=True, slots=True)
class Deviation:
    """A difference that is meant to be."""

    difference: Difference
    reason: str
    #: The document that the reason rests on; for an assumption, where the answer was taken from instead.
    source: str
    assumed: bool = False


#: A response field of the reference that the service never sends.
NOT_TOLD = "not told"


def not_told(operation: str, *paths: str, reason: str, source: str) -> tuple[Deviation, ...]:
    """Response fields that are never sent."""
    return tuple(
        Deviation(Difference(operation, Kind.RESPONSE, path, NOT_TOLD), reason=reason, source=source) for path in paths
    )


def answers(
    operations: tuple[str, ...], rows: Iterable[ErrorRow], *, reason: str, source: str
) -> tuple[Deviation, ...]:
    """Error rows that the operations' own tables, as far as they are known, do not have."""
    return tuple(
        Deviation(
            Difference(operation, Kind.ERROR, row.code, f"answers {row.status} {row.message}"),
            reason=reason,
            source=source,
            assumed=True,
        )
        for operation in operations
        for row in rows
    )
