"""``ClientToken``: makes a write happen once however often it is sent."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.declaration import Matches, Parameter

ClientToken = Annotated[str | None, Parameter(Matches(r"[\x20-\x7e]{1,64}", "must be 1 to 64 ASCII characters"))]
