"""What arrived of an operation's declared parameters: flat names and JSON texts brought into one shape.

A list arrives as ``ResourceId.1=...`` or ``Tag.1.Key=...``, counted from 1 with or without gaps, or whole, as a JSON
text in ``ResourceId`` or ``Tag``. An object arrives as ``TunnelBgpConfig.LocalAsn=...`` or as a JSON text in
``TunnelBgpConfig``. The names of an object's fields are compared without regard to case, as clients need it; in JSON,
numbers and booleans may be quoted or not, and null is as good as nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from gatewright.errors import HIDDEN, ApiError, invalid_parameter
from gatewright.operations.declaration import Field

#: Characters of a text parameter, and of a list or an object that comes as one JSON text.
LONGEST = 65_536
#: The highest index of a list parameter: more than any operation takes.
HIGHEST_INDEX = 1000
#: Objects around a value that is given dotted: more than any operation declares.
DEEPEST = 8
_INDEX = re.compile(r"[1-9][0-9]{0,3}\Z")

#: Values by their names on the wire: a text, of an object its values, of a list its values by name (``Tag.2``).
Raw = dict[str, Any]


def gather(fields: Iterable[Field], parameters: Mapping[str, str]) -> Raw:
    """What arrived of the declared parameters. Raises ApiError."""
    raw: Raw = {}
    for field in fields:
        if field.many:
            found: Any = _list_of(field, parameters)
        elif field.fields:
            found = _object_of(field, parameters)
        else:
            found = parameters.get(field.name)
        if found:
            raw[field.name] = found
    return raw


def tellable(field: Field, value: object) -> object:
    """A value as a refusal tells it."""
    return HIDDEN if field.secret else value


def _list_of(field: Field, parameters: Mapping[str, str]) -> Raw:
    """A list parameter's values by their names, in the order of their numbers."""
    prefix = field.name + "."
    numbered: dict[int, Any] = {}
    for name, text in _beginning(prefix, parameters):
        index, dot, rest = name[len(prefix) :].partition(".")
        told = tellable(field, text)
        if not _INDEX.match(index) or int(index) > HIGHEST_INDEX:
            raise invalid_parameter(name, told, f"the number behind {prefix} must be 1 to {HIGHEST_INDEX}")
        if not field.fields:
            if dot:
                raise invalid_parameter(name, told, f"{field.name} is a list of texts: write {prefix}{index}")
            if text:
                numbered[int(index)] = text
        elif not dot:
            raise invalid_parameter(
                name, told, f"{field.name} is a list of objects: write {name}.{field.fields[0].name}"
            )
        else:
            numbered.setdefault(int(index), {})[rest] = text
    whole = parameters.get(field.name)
    if whole:
        if numbered:
            raise invalid_parameter(
                field.name, tellable(field, whole), f"stands beside {prefix}N: give the list in one form"
            )
        numbered = dict(enumerate(_listed(field, whole), 1))
    elif field.fields:
        numbered = {index: _nested(field, f"{prefix}{index}.", flat) for index, flat in numbered.items()}
    named = {f"{prefix}{index}": numbered[index] for index in sorted(numbered)}
    if field.fields:
        return {name: _object(field, f"{name}.", given) for name, given in named.items()}
    return named


def _object_of(field: Field, parameters: Mapping[str, str]) -> Raw:
    """An object parameter's values."""
    prefix = field.name + "."
    flat = {name[len(prefix) :]: text for name, text in _beginning(prefix, parameters)}
    whole = parameters.get(field.name)
    if not whole:
        return _object(field, prefix, _nested(field, prefix, flat))
    if flat:
        raise invalid_parameter(
            field.name, tellable(field, whole), f"stands beside {prefix}{next(iter(flat))}: give it in one form"
        )
    return _object(field, prefix, _parsed_object(field, field.name, whole))


def _beginning(prefix: str, parameters: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, text) for name, text in parameters.items() if name.startswith(prefix)]


def _nested(field: Field, prefix: str, flat: Mapping[str, str]) -> Raw:
    """``{"A": {"B": "1"}}`` of ``{"A.B": "1"}``, as deep as it goes."""
    nested: Raw = {}
    for name, text in flat.items():
        inside = nested
        *outer, last = name.split(".")
        if len(outer) > DEEPEST:
            raise invalid_parameter(prefix + name, tellable(field, text), f"is an object in over {DEEPEST} others")
        for part in outer:
            inside = inside.setdefault(part, {})
            if not isinstance(inside, dict):
                raise invalid_parameter(prefix + name, tellable(field, text), f"{prefix}{part} is given as a value too")
        if last in inside:
            raise invalid_parameter(prefix + name, tellable(field, text), "is given as an object too")
        inside[last] = text
    return nested


def _object(field: Field, prefix: str, given: Mapping[str, Any]) -> Raw:
    """An object's values by their declared names. What no declaration knows is ignored."""
    known = {inner.name.lower(): inner for inner in field.fields}
    found: Raw = {}
    for key, value in given.items():
        inner = known.get(key.lower())
        if inner is None and key.isdecimal():
            example = prefix + field.fields[0].name
            raise invalid_parameter(prefix + key, tellable(field, "{...}"), f"is of no list: write {example}")
        if inner is None or value in (None, "", {}):
            continue
        name = prefix + inner.name
        if inner.name in found:
            raise invalid_parameter(name, tellable(inner, value), "stands twice, in other cases")
        if inner.fields:
            if isinstance(value, str):
                value = _parsed_object(inner, name, value)
            if not isinstance(value, dict):
                raise _no_object(inner, name, value)
            if inside := _object(inner, f"{name}.", value):
                found[inner.name] = inside
        elif isinstance(value, dict | list | float):
            raise invalid_parameter(name, tellable(inner, json.dumps(value)), "must be one plain value")
        else:
            found[inner.name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def _listed(field: Field, text: str) -> list[Any]:
    """The values of a list that arrived as one JSON text."""
    what = "objects" if field.fields else "texts"
    wrong = invalid_parameter(
        field.name, tellable(field, text), f"must be a JSON array of {what}, or be given as {field.name}.N"
    )
    values = _parsed(field, field.name, text, wrong)
    kind: type = dict if field.fields else str
    if not isinstance(values, list) or len(values) > HIGHEST_INDEX:
        raise wrong
    if not all(isinstance(value, kind) and (value or field.fields) for value in values):
        raise wrong
    return values


def _parsed_object(field: Field, name: str, text: str) -> Raw:
    """The object that a JSON text holds."""
    wrong = _no_object(field, name, text)
    value = _parsed(field, name, text, wrong)
    if not isinstance(value, dict):
        raise wrong
    return value


def _parsed(field: Field, name: str, text: str, wrong: ApiError) -> Any:
    if len(text) > LONGEST:
        raise invalid_parameter(name, tellable(field, text), f"must be at most {LONGEST} characters")
    try:
        value = json.loads(text)
        # half of a surrogate pair is escaped in JSON, and stands in no text that is stored or answered
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise wrong from None
    return value


def _no_object(field: Field, name: str, value: object) -> ApiError:
    example = f'{{"{field.fields[0].name}": ...}}'
    return invalid_parameter(name, tellable(field, value), f"must be a JSON object such as {example}")
