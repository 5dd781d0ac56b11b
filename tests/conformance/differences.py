"""Compares a declared operation with the reference: request, response and errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from gatewright.operations.declaration import Field, NotYet, Operation
from gatewright.operations.deviations import NOT_TOLD, Difference, Kind
from gatewright.wire.error_pages import rows_of
from tests.conformance import reference_data
from tests.conformance.reference_data import ReferenceOperation, ReferenceParameter

_NAMES = {str: "string", int: "integer", bool: "boolean"}
#: Declared on every part, sent on the whole answer only.
_REQUEST_ID = "RequestId"

Declared = type[Operation[Any, Any]]


def differences(operation: Declared) -> list[Difference]:
    """Everything in which a declared operation differs from the reference."""
    reference = reference_data.find(operation.title)
    if reference is None:
        return [Difference(operation.title, Kind.OPERATION, operation.title, "not in the reference")]
    return [
        *in_operation(operation, reference),
        *in_request(operation, reference),
        *in_response(operation, reference),
        *in_errors(operation),
    ]


def in_operation(operation: Declared, reference: ReferenceOperation) -> Iterator[Difference]:
    """Product, version and access level."""
    for subject, ours, theirs in (
        ("product", operation.product.code, reference.product),
        ("version", operation.product.version, reference.version),
        ("access level", operation.access.value, reference.access),
    ):
        if ours != theirs:
            yield Difference(operation.title, Kind.OPERATION, subject, f"{ours}, reference {theirs}")


def in_request(operation: Declared, reference: ReferenceOperation) -> Iterator[Difference]:
    """Parameters: names, types, and which are required. One that is not served yet is declared too, as optional."""
    for subject, what in _in_fields(operation.fields, operation.request_type.not_yet, reference.request, ""):
        yield Difference(operation.title, Kind.REQUEST, subject, what)


def _in_fields(
    fields: Sequence[Field], not_yet: Sequence[NotYet], reference: Sequence[ReferenceParameter], prefix: str
) -> Iterator[tuple[str, str]]:
    """Parameters, or the fields of a list's objects (``Tag[].Key``)."""
    declared = {field.name: (field_type(field), field.required) for field in fields}
    declared |= {absent.name: (absent.type, False) for absent in not_yet}
    inner = {field.name: field for field in fields if field.fields}
    known = {parameter.name: parameter for parameter in reference}
    for name, parameter in known.items():
        if name not in declared:
            yield prefix + name, "not declared"
            continue
        type_, required = declared[name]
        if type_ != parameter.type:
            yield prefix + name, f"type {type_}, reference {parameter.type}"
        elif name in inner:
            yield from _in_object(inner[name], parameter, prefix)
        if required != parameter.required:
            ours, theirs = ("required", "optional") if required else ("optional", "required")
            yield prefix + name, f"{ours}, reference {theirs}"
    for name in declared.keys() - known.keys():
        yield prefix + name, "not in the reference"


def _in_object(field: Field, reference: ReferenceParameter, prefix: str) -> Iterator[tuple[str, str]]:
    """The fields of an object; of one that is a text of JSON the reference has the keys alone, in whatever case."""
    if not field.text:
        dot = "[]." if field.many else "."
        yield from _in_fields(field.fields, (), reference.fields, f"{prefix}{field.name}{dot}")
        return
    ours, theirs = ({name.lower(): name for name in names} for names in (_names(field.fields), reference.json))
    for key in sorted(ours.keys() ^ theirs.keys()):
        what = "not declared" if key in theirs else "not in the reference"
        yield f"{prefix}{field.name}.{(ours | theirs)[key]}", what


def _names(fields: Sequence[Field]) -> list[str]:
    return [field.name for field in fields]


def field_type(field: Field) -> str:
    """A parameter's type as the reference names it."""
    if field.text:
        return "string"
    name = "object" if field.fields else type_name(field.type)
    return f"array<{name}>" if field.many else name


def in_response(operation: Declared, reference: ReferenceOperation) -> Iterator[Difference]:
    """Fields of the answer: names, types and nesting; and those that are never sent."""
    for path, what in _in_struct(operation.response_type, reference.response, ""):
        yield Difference(operation.title, Kind.RESPONSE, path, what)


def in_errors(operation: Declared) -> Iterator[Difference]:
    """Rows that neither the operation's own table nor the gateway's has, status and text to the letter."""
    tables = [*reference_data.errors_of(operation.title), *reference_data.gateway_errors()]
    known = {(row.status, row.code, row.message) for row in tables}
    for row in rows_of(operation()):
        if (row.status, row.code, row.message) not in known:
            yield Difference(operation.title, Kind.ERROR, row.code, f"answers {row.status} {row.message}")


def type_name(hint: Any) -> str:
    """A type as the reference names it. Raises TypeError for one that the wire has no word for."""
    if get_origin(hint) is list:
        return f"array<{type_name(get_args(hint)[0])}>"
    if _is_struct(hint):
        return "object"
    if hint not in _NAMES:
        raise TypeError(f"{hint} is no type of the wire's")
    return _NAMES[hint]


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _in_struct(struct: type[msgspec.Struct], tree: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    hints = get_type_hints(struct)
    declared = {
        name: hints[attribute]
        for name, attribute in zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True)
        if not (prefix and name == _REQUEST_ID)
    }
    for name, hint in declared.items():
        if name not in tree:
            yield prefix + name, "not in the reference"
        else:
            yield from _in_value(_present(hint), tree[name], prefix + name)
    for name in tree.keys() - declared.keys():
        yield prefix + name, NOT_TOLD


def _in_value(hint: Any, tree: Any, path: str) -> Iterator[tuple[str, str]]:
    ours, theirs = type_name(hint), _tree_name(tree)
    if ours != theirs:
        yield path, f"type {ours}, reference {theirs}"
    elif ours == "object":
        yield from _in_struct(hint, tree, f"{path}.")
    elif ours == "array<object>":
        yield from _in_struct(get_args(hint)[0], tree[0], f"{path}[].")


def _tree_name(tree: Any) -> str:
    if isinstance(tree, dict):
        return "object"
    return "array<object>" if isinstance(tree, list) else str(tree)


def _present(hint: Any) -> Any:
    """A field's type where it is sent: fields that are None are left out."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    (kind,) = (kind for kind in get_args(hint) if kind is not NoneType)
    return kind
