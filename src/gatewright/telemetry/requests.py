"""Which request the work at hand belongs to: tasks inherit it, and the store hands it to its threads."""

from __future__ import annotations

from contextvars import ContextVar

#: The id that the caller is answered with; empty where nobody asked for the work.
request_id: ContextVar[str] = ContextVar("request_id", default="")
