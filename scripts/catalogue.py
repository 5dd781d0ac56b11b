"""What the command line knows of the operations without loading them: ``src/gatewright/cli/catalogue.json``.

Loading every operation takes most of a second, and a completion has a fraction of that. One operation stands on one
line, so that two changes of two operations merge.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from gatewright.operations import registry
from gatewright.operations.declaration import Count, Field, OneOf, Operation

_TYPES = {str: "text", int: "number", bool: "true or false"}


def catalogue() -> str:
    """The file's text."""
    lines = ",\n".join(json.dumps(_operation(each), separators=(",", ":")) for each in registry.ALL)
    return f"[\n{lines}\n]\n"


def _operation(operation: type[Operation[Any, Any]]) -> dict[str, Any]:
    return {
        "product": operation.product.code,
        "version": operation.product.version,
        "name": operation.name,
        "module": operation.__module__,
        "text": inspect.cleandoc(operation.__doc__ or "").replace("``", "").replace("*", ""),
        "parameters": [_parameter(field) for field in operation.fields],
        "not_yet": [absent.name for absent in operation.request_type.not_yet],
    }


def _parameter(field: Field) -> dict[str, Any]:
    one = "object" if field.fields else _TYPES[field.type]
    choices = [str(value) for each in field.constraints if isinstance(each, OneOf) for value in each.values]
    told: dict[str, Any] = {
        "name": field.name,
        "type": one,
        "required": field.required,
        "rules": [each.rule for each in field.constraints if not isinstance(each, OneOf)],
        "choices": ["true", "false"] if field.type is bool else choices,
        "many": field.many,
        "parameters": [_parameter(inner) for inner in field.fields],
    }
    most = [each.most for each in field.constraints if isinstance(each, Count)]
    return {key: value for key, value in told.items() if value} | ({"most": most[0]} if most else {})
