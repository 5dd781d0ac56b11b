"""The checked-in reference: what the API's operations are, and the errors that its pages list."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from gatewright.operations.declaration import VPC

_FOLDER = Path(__file__).parent / "reference"


class ReferenceParameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One request parameter, or one field of a structured parameter."""

    name: str
    #: ``string``, ``integer``, ``boolean``, ``object``, ``array<string>`` or ``array<object>``.
    type: str
    required: bool = False
    #: Set where the two sources disagree about ``required``: the one that says so.
    required_by: str = ""
    enum: list[str | int] = []
    range: list[int] = []
    length: list[int] = []
    max_length: int | None = None
    default: str | int | bool | None = None
    #: The keys of a parameter whose text is a JSON object.
    json: list[str] = []
    fields: list[ReferenceParameter] = []


class ReferenceOperation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One operation."""

    name: str
    family: str
    product: str
    version: str
    access: str
    request: list[ReferenceParameter]
    #: Objects as dicts, lists of objects as a list of one dict, everything else as the name of its type.
    response: dict[str, Any]
    deprecated: bool = False
    #: The error table of an operation of another product; the other tables are in ``errors.json``.
    errors: list[ReferenceRow] = []

    @property
    def title(self) -> str:
        """As :class:`gatewright.operations.declaration.Operation` titles it."""
        return self.name if self.product == VPC.code else f"{self.product} {self.name}"


class ReferenceRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of an error table. A gateway message has its variable parts in braces."""

    status: int
    code: str
    message: str
    source: str
    #: The source has the code but not this text or status, or no document was found at all.
    assumed: bool = False


class _Errors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    gateway: list[ReferenceRow]
    operations: dict[str, list[ReferenceRow]]


@cache
def operations() -> dict[str, ReferenceOperation]:
    """The operations of Vpc by name."""
    return _read("operations.json")


@cache
def others() -> dict[str, ReferenceOperation]:
    """The operations of other products by title."""
    return _read("others.json")


def find(title: str) -> ReferenceOperation | None:
    """An operation of any product, or None."""
    return operations().get(title) or others().get(title)


def _read(name: str) -> dict[str, ReferenceOperation]:
    text = (_FOLDER / name).read_bytes()
    return {operation.title: operation for operation in msgspec.json.decode(text, type=list[ReferenceOperation])}


@cache
def _errors() -> _Errors:
    return msgspec.json.decode((_FOLDER / "errors.json").read_bytes(), type=_Errors)


def gateway_errors() -> list[ReferenceRow]:
    """The rows that the API's gateway answers with, whatever the operation."""
    return _errors().gateway


def errors_of(title: str) -> list[ReferenceRow]:
    """The operation's own error table; empty where none was found."""
    other = others().get(title)
    return other.errors if other is not None else _errors().operations.get(title, [])
