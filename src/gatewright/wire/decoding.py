"""From the wire's parameters to an operation's request.

In three rounds over the declaration, in its order: what is required and missing; what is not of its type; what breaks
a rule. Parameters that no declaration knows are ignored, as the real service does (clients send ``OwnerId`` and the
like); those that the API has and this service does not serve yet are refused.

A list arrives as ``ResourceId.1=...`` or ``Tag.1.Key=...``, counted from 1 with or without gaps, or whole, as a JSON
text in ``ResourceId`` or ``Tag``; keys inside of the JSON are compared without regard to case, as clients need it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from gatewright.errors import HIDDEN, UNSUPPORTED_OPERATION, ApiError, invalid_parameter, missing_parameter
from gatewright.operations.declaration import Constraint, Count, Field, Item, NotYet, Operation, Request

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})\Z")
_LARGEST = 2**63 - 1
#: Characters of a text parameter, and of a list that comes as one JSON text.
LONGEST = 65_536
#: The highest index of a list parameter: more than any operation takes.
HIGHEST_INDEX = 1000
_INDEX = re.compile(r"[1-9][0-9]{0,3}\Z")

#: A value as it arrived: a text, or for a list its values' texts or objects by their names on the wire.
_Raw = dict[str, Any]


def decode(operation: Operation[Any, Any], parameters: Mapping[str, str]) -> Request:
    """The request. Raises ApiError."""
    raw = _gather(operation.fields, parameters)
    _require(operation.fields, raw, "")
    values = _typed_all(operation.fields, raw)
    _check_all(operation.fields, values, raw, "")
    for absent in operation.request_type.not_yet:
        _refuse(absent, parameters)
    return operation.request_type(**values)


def _gather(fields: tuple[Field, ...], parameters: Mapping[str, str]) -> _Raw:
    """What arrived of the declared parameters. A list is a dict from the name of each value to the value."""
    raw: _Raw = {}
    for field in fields:
        if field.many:
            values = _list_of(field, parameters)
            if values:
                raw[field.name] = values
        else:
            text = parameters.get(field.name)
            if text:
                raw[field.name] = text
    return raw


def _list_of(field: Field, parameters: Mapping[str, str]) -> dict[str, Any]:
    """A list parameter's values by their names (``Tag.2``), in the order of their numbers."""
    prefix = field.name + "."
    numbered: dict[int, Any] = {}
    for name, text in parameters.items():
        if not name.startswith(prefix):
            continue
        index, dot, rest = name[len(prefix) :].partition(".")
        if not _INDEX.match(index) or int(index) > HIGHEST_INDEX:
            raise invalid_parameter(name, text, f"the number behind {prefix} must be 1 to {HIGHEST_INDEX}")
        if not field.fields:
            if dot:
                raise invalid_parameter(name, text, f"{field.name} is a list of texts: write {prefix}{index}")
            if text:
                numbered[int(index)] = text
        elif not dot:
            raise invalid_parameter(
                name, text, f"{field.name} is a list of objects: write {name}.{field.fields[0].name}"
            )
        else:
            numbered.setdefault(int(index), {})[rest] = text
    whole = parameters.get(field.name)
    if whole:
        if numbered:
            raise invalid_parameter(field.name, whole, f"stands beside {prefix}N: give the list in one form")
        numbered = dict(enumerate(_from_json(field, whole), 1))
    return {f"{prefix}{index}": numbered[index] for index in sorted(numbered)}


def _from_json(field: Field, text: str) -> list[Any]:
    """The values of a list that arrived as one JSON text; scalars become the texts that they would arrive as."""
    what = "objects" if field.fields else "texts"
    wrong = invalid_parameter(field.name, text, f"must be a JSON array of {what}, or be given as {field.name}.N")
    if len(text) > LONGEST:
        raise invalid_parameter(field.name, text, f"must be at most {LONGEST} characters")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(values, list) or len(values) > HIGHEST_INDEX:
        raise wrong
    if not field.fields:
        if not all(isinstance(value, str) and value for value in values):
            raise wrong
        return values
    known = {inner.name.lower(): inner.name for inner in field.fields}
    found = []
    for value in values:
        if not isinstance(value, dict):
            raise wrong
        item: dict[str, str] = {}
        for key, each in ((str(key), each) for key, each in value.items()):
            if isinstance(each, dict | list | float):
                raise wrong
            if each is not None:
                item[known.get(key.lower(), key)] = str(each).lower() if isinstance(each, bool) else str(each)
        found.append(item)
    return found


def _require(fields: tuple[Field, ...], raw: _Raw, prefix: str) -> None:
    for field in fields:
        if field.required and not raw.get(field.name):
            raise missing_parameter(prefix + field.name)
        if field.fields:
            for name, item in raw.get(field.name, {}).items():
                _require(field.fields, item, f"{prefix}{name}.")


def _typed_all(fields: tuple[Field, ...], raw: _Raw, prefix: str = "") -> dict[str, Any]:
    """The values by attribute, converted to their types."""
    values: dict[str, Any] = {}
    for field in fields:
        arrived = raw.get(field.name)
        if not arrived:
            continue
        if not field.many:
            values[field.attribute] = _typed(field, prefix + field.name, arrived)
        elif field.fields:
            kind: type[Item] = field.type
            items = (_typed_all(field.fields, item, f"{prefix}{name}.") for name, item in arrived.items())
            values[field.attribute] = tuple(kind(**item) for item in items)
        else:
            values[field.attribute] = tuple(_typed(field, prefix + name, text) for name, text in arrived.items())
    return values


def _typed(field: Field, name: str, text: str) -> Any:
    if field.type is str:
        if len(text) > LONGEST:
            raise invalid_parameter(name, _tellable(field, text), f"must be at most {LONGEST} characters")
        if not text.isprintable() and _unstorable(text):
            raise invalid_parameter(name, _tellable(field, text), "must not contain control characters")
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


def _check_all(fields: tuple[Field, ...], values: Mapping[str, Any], raw: _Raw, prefix: str) -> None:
    for field in fields:
        if field.attribute not in values:
            continue
        value = values[field.attribute]
        if not field.many:
            _check(field, prefix + field.name, value)
            continue
        for constraint in field.constraints:
            if isinstance(constraint, Count) and not constraint.holds(value):
                raise _broken(constraint, prefix + field.name, f"{len(value)} values")
        for name, arrived, each in zip(raw[field.name], raw[field.name].values(), value, strict=True):
            if field.fields:
                inner = {one.attribute: getattr(each, one.attribute) for one in field.fields if arrived.get(one.name)}
                _check_all(field.fields, inner, arrived, f"{prefix}{name}.")
            else:
                _check(field, prefix + name, each)


def _check(field: Field, name: str, value: Any) -> None:
    for constraint in field.constraints:
        if not isinstance(constraint, Count) and not constraint.holds(value):
            raise _broken(constraint, name, _tellable(field, value))


def _tellable(field: Field, value: object) -> object:
    """A value as a refusal tells it."""
    return HIDDEN if field.secret else value


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


def _not_served(absent: NotYet, value: str) -> ApiError:
    also = f", except as {absent.harmless}" if absent.harmless is not None else ""
    return UNSUPPORTED_OPERATION(absent.name, value, f"this parameter is not served yet{also}")
