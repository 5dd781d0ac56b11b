"""Pages by number, as the older operations have them."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.declaration import Between, Parameter

#: ``PageNumber``: from 1.
PageNumber = Annotated[int, Parameter(Between(1, 2_000_000))]
#: ``PageSize``: 1 to 50.
PageSize = Annotated[int, Parameter(Between(1, 50))]

FIRST_PAGE = 1
DEFAULT_PAGE_SIZE = 10
