"""The two signatures, as pure functions. Tested against the published vectors.

V1 is HMAC-SHA1 over the parameters; V3 is ACS3-HMAC-SHA256 over a canonical request whose headers the client lists.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gatewright.errors import INCOMPLETE_SIGNATURE
from gatewright.wire.parameters import canonical_query

V3_ALGORITHM = "ACS3-HMAC-SHA256"


def v1_string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """What a V1 client signs: the method and all parameters but the signature itself."""
    signed = {name: value for name, value in parameters.items() if name != "Signature"}
    # A canonical query has no characters to encode but these three.
    canonical = canonical_query(signed).replace("%", "%25").replace("&", "%26").replace("=", "%3D")
    return f"{method}&%2F&{canonical}"


def v1_signature(secret: str, string_to_sign: str) -> str:
    """Base64 of HMAC-SHA1, with the secret and ``&`` as the key."""
    digest = hmac.digest(f"{secret}&".encode(), string_to_sign.encode(), "sha1")
    return base64.b64encode(digest).decode()


class V3Authorization(NamedTuple):
    """The parts of an ``Authorization`` header."""

    key_id: str
    signed_headers: tuple[str, ...]
    signature: str


def parse_v3_authorization(header: str) -> V3Authorization:
    """``ACS3-HMAC-SHA256 Credential=..,SignedHeaders=a;b;c,Signature=..``. Raises IncompleteSignature."""
    algorithm, _, rest = header.partition(" ")
    if algorithm != V3_ALGORITHM:
        raise INCOMPLETE_SIGNATURE("Authorization", algorithm, f"the algorithm must be {V3_ALGORITHM}")
    parts: dict[str, str] = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        parts[name] = value
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not parts.get(name):
            raise INCOMPLETE_SIGNATURE("Authorization", "", f"{name} is missing")
    headers = tuple(name.lower() for name in parts["SignedHeaders"].split(";"))
    return V3Authorization(parts["Credential"], headers, parts["Signature"])


def v3_canonical_request(
    method: str,
    path: str,
    query: dict[str, str],
    headers: Mapping[str, Sequence[str]],
    signed_headers: Sequence[str],
    payload_hash: str,
) -> str:
    """What a V3 client signs the hash of. A listed header that the request lacks counts as empty."""
    names = sorted(set(signed_headers))
    lines = "".join(f"{name}:{_header_value(headers.get(name, ()))}\n" for name in names)
    return "\n".join((method, path or "/", canonical_query(query), lines, ";".join(names), payload_hash))


def _header_value(values: Sequence[str]) -> str:
    return ",".join(sorted(value.strip(" \t") for value in values))


def v3_string_to_sign(canonical_request: str) -> str:
    """The algorithm's name and the hash of the canonical request."""
    return f"{V3_ALGORITHM}\n{hashlib.sha256(canonical_request.encode()).hexdigest()}"


def v3_signature(secret: str, string_to_sign: str) -> str:
    """Hexadecimal HMAC-SHA256, with the bare secret as the key."""
    return hmac.digest(secret.encode(), string_to_sign.encode(), "sha256").hex()
