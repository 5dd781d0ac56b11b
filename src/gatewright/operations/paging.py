"""Pages of both kinds: by number, as the older operations have them, and by a token that leads to the next page.

A token says after which item the next page begins, so pages neither repeat nor miss what stays while others come and
go. It is no secret and no proof: whatever it says, only the caller's own items are told.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated

from gatewright.errors import ErrorRow, invalid_parameter
from gatewright.operations.declaration import Between, Parameter

#: ``PageNumber``: from 1.
PageNumber = Annotated[int, Parameter(Between(1, 2_000_000))]
#: ``PageSize``: 1 to 50.
PageSize = Annotated[int, Parameter(Between(1, 50))]

FIRST_PAGE = 1
DEFAULT_PAGE_SIZE = 10

#: ``NextToken``: as the page before told it; absent or empty for the first page.
NextToken = Annotated[str | None, Parameter()]


def next_token(*place: str) -> str:
    """The token of the page that begins after a place in the order."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place_of(token: str | None, parts: int, error: ErrorRow | None = None) -> tuple[str, ...]:
    """The place that a token says, in so many parts; empty texts, before everything, without one.

    Raises the operation's own error for a token that is none, or without one ``InvalidParameter``.
    """
    if token is None:
        return ("",) * parts
    try:
        place = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        place = None
    if not (isinstance(place, list) and len(place) == parts and all(_storable(part) for part in place)):
        rule = "is none that this operation gave out"
        raise error("NextToken", token, rule) if error is not None else invalid_parameter("NextToken", token, rule)
    return tuple(place)


def _storable(part: object) -> bool:
    return isinstance(part, str) and "\0" not in part and not any("\ud800" <= c <= "\udfff" for c in part)
