"""Filters that are several ids in one text, with commas between."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.declaration import Matches, Parameter

#: Up to 20 ids.
IdList = Annotated[str | None, Parameter(Matches(r"[^,]+(,[^,]+){0,19}", "must be 1 to 20 ids with commas between"))]


def ids_of(text: str | None) -> list[str] | None:
    """The ids; None when there is no filter."""
    return None if text is None else text.split(",")
