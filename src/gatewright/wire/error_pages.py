"""A page for every error code, made from the declarations: ``Recommend`` leads there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Any

from gatewright.errors import GATEWAY_ROWS, ErrorRow
from gatewright.operations.declaration import Constraint, Field, Operation

_GENERAL = (
    ErrorRow(
        400,
        "InvalidParameter",
        'The specified parameter "<name>" is not valid.',
        "The answer's Detail names the parameter, its value and the rule.",
    ),
    ErrorRow(
        400,
        "SignatureDoesNotMatch",
        "Specified signature is not matched with our calculation. server string to sign is:<string>",
        "Where the string in the message is what your client signed, the access key's secret is another one.",
    ),
)


def rows_of(operation: Operation[Any, Any]) -> list[ErrorRow]:
    """Every documented row that an operation can answer with, its parameters' included."""
    rows = [*operation.errors, *(c.error for c in _constraints(operation.fields) if c.error is not None)]
    return list(dict.fromkeys(rows))


def _constraints(fields: Iterable[Field]) -> Iterator[Constraint]:
    for field in fields:
        yield from field.constraints
        yield from _constraints(field.fields)


class ErrorPages:
    """Text pages by code."""

    def __init__(self, operations: Collection[Operation[Any, Any]]) -> None:
        self._operations = operations

    @cached_property
    def _entries(self) -> dict[str, list[tuple[ErrorRow, str]]]:
        """Put together when the first page is asked for: a start does not wait for it."""
        entries: dict[str, list[tuple[ErrorRow, str]]] = {}
        for row in (*GATEWAY_ROWS, *_GENERAL):
            entries.setdefault(row.code, []).append((row, "any operation"))
        for operation in self._operations:
            for row in rows_of(operation):
                entries.setdefault(row.code, []).append((row, operation.title))
        return entries

    def page(self, code: str) -> str | None:
        """The page of a code, or None."""
        if code.startswith("Missing") and code not in self._entries:
            name = code.removeprefix("Missing")
            return f"{code}\n\n400  {name} is mandatory for this action.\n     Give the parameter {name} a value.\n"
        entries = self._entries.get(code)
        if entries is None:
            return None
        lines = [code]
        for row, operation in entries:
            lines += ["", f"{row.status}  {row.message}", f"     Answered by {operation}."]
            if row.advice:
                lines.append(f"     {row.advice}")
        return "\n".join(lines) + "\n"
