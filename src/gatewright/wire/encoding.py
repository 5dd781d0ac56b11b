"""Answers and errors, as JSON and as XML."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import msgspec

from gatewright.errors import ApiError
from gatewright.operations.declaration import Part

JSON_TYPE = b"application/json;charset=utf-8"
#: To the letter: a V3 client takes a body for XML only with exactly this type.
XML_TYPE = b"text/xml;charset=utf-8"

_json = msgspec.json.Encoder()
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ErrorBody(msgspec.Struct, kw_only=True, rename="pascal", omit_defaults=True):
    """What an error answers with. ``Detail`` is ours; clients read the other five."""

    request_id: str
    host_id: str
    code: str
    message: str
    recommend: str
    detail: str = ""


def encode_answer(answer: Part, action: str, form: str) -> tuple[bytes, bytes]:
    """Body and content type of a success."""
    if form == "JSON":
        return _json.encode(answer), JSON_TYPE
    return _document(f"{action}Response", msgspec.to_builtins(answer)), XML_TYPE


def encode_error(error: ApiError, request_id: str, host: str, form: str, scheme: str = "http") -> tuple[bytes, bytes]:
    """Body and content type of an error; ``host`` and ``scheme`` are how the client calls us."""
    body = ErrorBody(
        request_id=request_id,
        host_id=host,
        code=error.code,
        message=error.message,
        recommend=f"{scheme}://{host}/errors/{quote(error.code)}" if host else f"/errors/{quote(error.code)}",
        detail=error.detail,
    )
    if form == "JSON":
        return _json.encode(body), JSON_TYPE
    return _document("Error", msgspec.to_builtins(body)), XML_TYPE


def _document(root: str, value: Any) -> bytes:
    return f"<?xml version='1.0' encoding='UTF-8'?>{_element(root, value)}".encode()


def _element(name: str, value: Any) -> str:
    """An element, or for a list one element an item: lists stand inside a wrapper that the schema has."""
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, dict):
        inside = "".join(_element(key, item) for key, item in value.items())
    elif isinstance(value, bool):
        inside = "true" if value else "false"
    else:
        inside = escape(_NOT_IN_XML.sub("\ufffd", str(value)))
    return f"<{name}>{inside}</{name}>"
