"""URL encoding, both ways, exactly as the signatures need it."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from gatewright.errors import ApiError, invalid_parameter

#: More parameters than any operation has: lists of a thousand objects included.
MOST_PARAMETERS = 5000
#: Characters of a parameter's name: more than any operation's longest, its list indexes included.
LONGEST_NAME = 256
_PLAIN = re.compile(r"[A-Za-z0-9._~-]*\Z")
_ESCAPES = {code: f"%{code:02X}" for code in range(128) if not _PLAIN.match(chr(code))}
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def decode_pairs(raw: bytes, where: str) -> dict[str, str]:
    """The parameters of a query or form body. Raises ApiError for what is no URL encoding of UTF-8."""
    parameters: dict[str, str] = {}
    if not raw:
        return parameters
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise invalid_parameter("Action", "", f"{where} is not UTF-8") from None
    pairs = text.split("&")
    if len(pairs) > MOST_PARAMETERS:
        raise invalid_parameter(
            "Action", "", f"{where} has {len(pairs)} parameters, at most {MOST_PARAMETERS} are read"
        )
    for pair in pairs:
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in name or "+" in name:
            name = _decode(name, where, name)
        if len(name) > LONGEST_NAME:
            raise _malformed(where, name, f"has a name of over {LONGEST_NAME} characters")
        if name in parameters:
            raise invalid_parameter(name, "", f"stands twice in {where}")
        parameters[name] = _decode(value, where, name) if "%" in value or "+" in value else value
    return parameters


def _decode(text: str, where: str, name: str) -> str:
    text = text.replace("+", " ")
    if _BAD_ESCAPE.search(text):
        raise _malformed(where, name, "has a % that two hexadecimal digits do not follow")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise _malformed(where, name, "is not UTF-8") from None


def _malformed(where: str, name: str, rule: str) -> ApiError:
    return invalid_parameter(name[:100], "", f"in {where} {rule}")


def percent_encode(text: str) -> str:
    """RFC 3986: all but letters, digits and ``-._~`` as ``%`` and two upper-case hexadecimal digits of UTF-8."""
    if _PLAIN.match(text):
        return text
    return text.translate(_ESCAPES) if text.isascii() else quote(text, safe="~")


@lru_cache(maxsize=1024)
def percent_encode_name(text: str) -> str:
    """The same for parameter names, which recur."""
    return percent_encode(text)


def canonical_query(parameters: dict[str, str]) -> str:
    """Parameters sorted by name (in bytes' order), encoded, as both signatures want them."""
    # Code points sort as their UTF-8 does.
    return "&".join(f"{percent_encode_name(name)}={percent_encode(parameters[name])}" for name in sorted(parameters))
