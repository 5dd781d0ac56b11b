"""One HTTP request as the protocol sees it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from gatewright.errors import invalid_parameter
from gatewright.wire.parameters import decode_pairs

FORM = "application/x-www-form-urlencoded"


class Message:
    """Method, headers, raw query and raw body; parameters are decoded when they are first asked for."""

    def __init__(
        self,
        method: str,
        path: str,
        query: bytes,
        headers: Iterable[tuple[bytes, bytes]],
        body: bytes,
        scheme: str = "http",
    ) -> None:
        self.method = method
        #: ``http`` or ``https``, as it arrived here.
        self.scheme = scheme
        self.path = path
        self.raw_query = query
        self.body = body
        self.headers: dict[str, list[str]] = {}
        for name, value in headers:
            self.headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip(" \t"))

    def header(self, name: str) -> str | None:
        """A header's first value; ``name`` in lower case."""
        values = self.headers.get(name)
        return values[0] if values else None

    @cached_property
    def query(self) -> dict[str, str]:
        """The query's parameters. Raises ApiError."""
        return decode_pairs(self.raw_query, "the query")

    @cached_property
    def form(self) -> dict[str, str]:
        """The form body's parameters. Raises ApiError, also for a body that is no form."""
        if not self.body:
            return {}
        kind = (self.header("content-type") or FORM).partition(";")[0].strip().lower()
        if kind != FORM:
            raise invalid_parameter("Content-Type", kind, f"a body must be {FORM}")
        return decode_pairs(self.body, "the body")

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Query and body together; where both have a parameter the body's value counts."""
        return {**self.query, **self.form} if self.body else self.query

    @property
    def host(self) -> str:
        """What the client calls us: host and port. Clients that send a URL get its host."""
        host = self.header("host") or ""
        return host.partition("://")[2] or host
