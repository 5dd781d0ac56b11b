"""From the wire's parameters to an operation's request.

In three rounds over the declaration, in its order: what is required and missing; what is not of its type; what breaks
a rule. Parameters that no declaration knows are ignored, as the real service does (clients send ``OwnerId`` and the
like); those that the API has and this service does not serve yet are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gatewright.errors import UNSUPPORTED_OPERATION, ApiError, invalid_parameter, missing_parameter
from gatewright.operations.declaration import Field, NotYet, Operation, Request

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})\Z")
_LARGEST = 2**63 - 1
#: More than any text parameter may have.
_LONGEST = 65_536


def decode(operation: Operation[Any, Any], parameters: Mapping[str, str]) -> Request:
    """The request. Raises ApiError."""
    for field in operation.fields:
        if field.required and not parameters.get(field.name):
            raise missing_parameter(field.name)
    values: dict[str, Any] = {}
    for field in operation.fields:
        text = parameters.get(field.name)
        if text:
            values[field.attribute] = _typed(field, text)
    for field in operation.fields:
        if field.attribute in values:
            _check(field, values[field.attribute])
    for absent in operation.request_type.not_yet:
        _refuse(absent, parameters)
    return operation.request_type(**values)


def _typed(field: Field, text: str) -> Any:
    if field.type is str:
        if len(text) > _LONGEST:
            raise invalid_parameter(field.name, text, f"must be at most {_LONGEST} characters")
        if not text.isprintable() and _unstorable(text):
            raise invalid_parameter(field.name, text, "must not contain control characters")
        return text
    if field.type is bool:
        lowered = text.lower()
        if lowered not in ("true", "false"):
            raise invalid_parameter(field.name, text, "must be true or false")
        return lowered == "true"
    if not _INTEGER.match(text) or abs(int(text)) > _LARGEST:
        raise invalid_parameter(field.name, text, "must be a whole number")
    return int(text)


def _unstorable(text: str) -> bool:
    """Control characters other than tab and line breaks: no database or XML document takes them all."""
    return any((c < " " and c not in "\t\n\r") or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in text)


def _check(field: Field, value: Any) -> None:
    for constraint in field.constraints:
        if not constraint.holds(value):
            if constraint.error is None:
                raise invalid_parameter(field.name, value, constraint.rule)
            raise constraint.error(field.name, value, constraint.rule)


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
