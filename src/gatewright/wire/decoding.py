"""From the wire's parameters to an operation's request.

In three rounds over the declaration, in its order: what is required and missing; what is not of its type; what breaks
a rule. Parameters that no declaration knows are ignored, as the real service does (clients send ``OwnerId`` and the
like); those that the API has and this service does not serve yet are refused, and so is the dry run of a write that has
none: it would be carried out.

In which forms lists and objects arrive is the business of :mod:`gatewright.wire.gathering`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gatewright.errors import UNSUPPORTED_OPERATION, ApiError, invalid_parameter, missing_parameter
from gatewright.operations.declaration import Access, Constraint, Count, Field, Item, NotYet, Operation, Request
from gatewright.wire.gathering import LONGEST, Raw, gather, tellable

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})\Z")
_LARGEST = 2**63 - 1
#: Ignored by an operation that cannot try, it would be carried out.
_DRY_RUN = "DryRun"


def decode(operation: Operation[Any, Any], parameters: Mapping[str, str]) -> Request:
    """The request. Raises ApiError."""
    raw = gather(operation.fields, parameters)
    _require(operation.fields, raw, "")
    values = _typed_all(operation.fields, raw)
    _check_all(operation.fields, values, raw, "")
    for absent in operation.request_type.not_yet:
        _refuse(absent, parameters)
    if operation.access is Access.WRITE and not any(field.name == _DRY_RUN for field in operation.fields):
        _refuse_dry_run(operation, parameters.get(_DRY_RUN, ""))
    return operation.request_type(**values)


def _require(fields: tuple[Field, ...], raw: Raw, prefix: str) -> None:
    for field in fields:
        if field.required and not raw.get(field.name):
            raise missing_parameter(prefix + field.name)
        for name, item in _items(field, raw):
            _require(field.fields, item, f"{prefix}{name}.")


def _items(field: Field, raw: Raw) -> list[tuple[str, Raw]]:
    """The objects that arrived of a parameter, by name."""
    if not field.fields or field.name not in raw:
        return []
    return list(raw[field.name].items()) if field.many else [(field.name, raw[field.name])]


def _typed_all(fields: tuple[Field, ...], raw: Raw, prefix: str = "") -> dict[str, Any]:
    """The values by attribute, converted to their types."""
    values: dict[str, Any] = {}
    for field in fields:
        arrived = raw.get(field.name)
        if not arrived:
            continue
        if field.fields:
            kind: type[Item] = field.type
            items = [kind(**_typed_all(field.fields, item, f"{prefix}{name}.")) for name, item in _items(field, raw)]
            values[field.attribute] = tuple(items) if field.many else items[0]
        elif not field.many:
            values[field.attribute] = _typed(field, prefix + field.name, arrived)
        else:
            values[field.attribute] = tuple(_typed(field, prefix + name, text) for name, text in arrived.items())
    return values


def _typed(field: Field, name: str, text: str) -> Any:
    if field.type is str:
        if len(text) > LONGEST:
            raise invalid_parameter(name, tellable(field, text), f"must be at most {LONGEST} characters")
        if not text.isprintable() and _unstorable(text):
            raise invalid_parameter(name, tellable(field, text), "must not contain control characters")
        return text
    if field.type is bool:
        lowered = text.lower()
        if lowered not in ("true", "false"):
            raise invalid_parameter(name, text, "must be true or false")
        return lowered == "true"
    if not _INTEGER.match(text) or abs(int(text)) > _LARGEST:
        raise invalid_parameter(name, text, "must be a whole number")
    return int(text)


def _unstorable(text: str) -> bool:
    """Control characters other than tab and line breaks: no database or XML document takes them all."""
    return any((c < " " and c not in "\t\n\r") or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in text)


def _check_all(fields: tuple[Field, ...], values: Mapping[str, Any], raw: Raw, prefix: str) -> None:
    for field in fields:
        if field.attribute not in values:
            continue
        value = values[field.attribute]
        for constraint in field.constraints:
            if isinstance(constraint, Count) and not constraint.holds(value):
                raise _broken(constraint, prefix + field.name, f"{len(value)} values")
        if field.fields:
            for (name, arrived), each in zip(_items(field, raw), value if field.many else (value,), strict=True):
                inner = {one.attribute: getattr(each, one.attribute) for one in field.fields if arrived.get(one.name)}
                _check_all(field.fields, inner, arrived, f"{prefix}{name}.")
        elif not field.many:
            _check(field, prefix + field.name, value)
        else:
            for name, each in zip(raw[field.name], value, strict=True):
                _check(field, prefix + name, each)


def _check(field: Field, name: str, value: Any) -> None:
    for constraint in field.constraints:
        if not isinstance(constraint, Count) and not constraint.holds(value):
            raise _broken(constraint, name, tellable(field, value))


def _broken(constraint: Constraint, name: str, value: object) -> ApiError:
    if constraint.error is None:
        return invalid_parameter(name, value, constraint.rule)
    return constraint.error(name, value, constraint.rule)


def _refuse(absent: NotYet, parameters: Mapping[str, str]) -> None:
    value = parameters.get(absent.name)
    if value and absent.harmless is not None and value.lower() == absent.harmless.lower():
        return
    prefix = absent.name + "."
    if value or (absent.type.startswith("array") and any(name.startswith(prefix) for name in parameters)):
        raise _not_served(absent, value or "")


def _refuse_dry_run(operation: Operation[Any, Any], value: str) -> None:
    if value.lower() not in ("", "false"):
        rule = f"{operation.name} has no dry run, and would be carried out: leave it out"
        raise UNSUPPORTED_OPERATION(_DRY_RUN, value, rule)


def _not_served(absent: NotYet, value: str) -> ApiError:
    also = f", except as {absent.harmless}" if absent.harmless is not None else ""
    return UNSUPPORTED_OPERATION(absent.name, value, f"this parameter is not served yet{also}")
