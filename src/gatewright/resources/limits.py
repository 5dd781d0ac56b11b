"""How often an account may call an operation: the published figures, and what is assumed of operations without one.

The data (``limits.json``) says where each part is from.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

import msgspec


class CallLimits(msgspec.Struct, frozen=True, rename="camel"):
    """Calls in 60 seconds, for each account, region and operation."""

    source: str
    #: By the operation's name, as published.
    listed: dict[str, int]
    #: By a pattern of names (``Create*``), for operations that are not listed; the first that fits counts.
    kinds: dict[str, int]
    kinds_source: str

    def of(self, operation: str) -> int | None:
        """The limit of a VPC operation: its own, else its kind's; None when it has neither, and is not limited."""
        listed = self.listed.get(operation)
        if listed is not None:
            return listed
        return next((limit for pattern, limit in self.kinds.items() if fnmatchcase(operation, pattern)), None)


@cache
def call_limits() -> CallLimits:
    """The figures."""
    text = resources.files("gatewright.resources").joinpath("limits.json").read_bytes()
    return msgspec.json.decode(text, type=CallLimits)
