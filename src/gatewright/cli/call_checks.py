"""A call is held against the declarations before it is sent: the decoding and the rules are the server's own."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from gatewright.cli.catalogue import KnownOperation
from gatewright.errors import GATEWAY_ROWS, ApiError, ErrorRow
from gatewright.operations.declaration import Operation
from gatewright.wire.decoding import decode


def refusal(known: KnownOperation, parameters: Mapping[str, str]) -> ApiError | None:
    """What the service would refuse the parameters with, of what can be known here; None when it would not."""
    operation = _loaded(known)
    try:
        operation.validate(decode(operation, parameters))
    except ApiError as error:
        return error
    return None


def not_sent(known: KnownOperation, parameters: Mapping[str, str]) -> list[str]:
    """The lines that tell why a call was not sent; none for one that the service may carry out."""
    error = refusal(known, parameters)
    if error is None:
        return []
    what = advice(known, error.status, error.code, error.message)
    lines = [f"{known.title} was not sent, for it would be refused: {error.code} ({error.status})"]
    lines += [f"  {text}" for text in dict.fromkeys((error.message, error.detail)) if text]
    return lines + ([f"  What to do: {what}"] if what else [])


def advice(known: KnownOperation | None, status: int, code: str, message: str) -> str:
    """What the declarations say to do about an error; empty where they say nothing."""
    rows: list[ErrorRow] = []
    if known is not None:
        from gatewright.wire.error_pages import rows_of

        rows += rows_of(_loaded(known))
    same = [row for row in (*rows, *GATEWAY_ROWS) if row.code == code and row.advice]
    exact = [row for row in same if row.status == status and row.message == message]
    return next((row.advice for row in (*exact, *same)), "")


def _loaded(known: KnownOperation) -> Operation[Any, Any]:
    """The operation, of whose module only is loaded what it needs."""
    kind: type[Operation[Any, Any]] = getattr(importlib.import_module(known.module), known.name)
    return kind()
