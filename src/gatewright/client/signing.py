"""A signed request: method, target, headers and body, ready to be sent. Pure but for the nonce and the time."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import urlencode

from gatewright.client.profile import Profile
from gatewright.clock import SystemClock, iso_seconds
from gatewright.wire.signature import (
    V3_ALGORITHM,
    v1_signature,
    v1_string_to_sign,
    v3_canonical_request,
    v3_signature,
    v3_string_to_sign,
)

Signature = Literal["V1", "V3"]


class Prepared(NamedTuple):
    """What goes over the wire."""

    target: str
    headers: dict[str, str]
    body: bytes


def _now() -> str:
    return iso_seconds(SystemClock().now())


def prepare_v1(profile: Profile, action: str, version: str, parameters: Mapping[str, str]) -> Prepared:
    """POST / with everything in a form, HMAC-SHA1 over it."""
    signed = {
        **parameters,
        "Action": action,
        "Version": version,
        "Format": "JSON",
        "AccessKeyId": profile.access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid.uuid4().hex,
        "Timestamp": _now(),
    }
    if profile.security_token:
        signed["SecurityToken"] = profile.security_token
    signed["Signature"] = v1_signature(profile.access_key_secret, v1_string_to_sign("POST", signed))
    return Prepared("/", {"content-type": "application/x-www-form-urlencoded"}, urlencode(signed).encode())


def prepare_v3(profile: Profile, action: str, version: str, parameters: Mapping[str, str], host: str) -> Prepared:
    """POST / with the parameters in a form, HMAC-SHA256 over the headers and the body's hash."""
    body = urlencode(parameters).encode()
    payload_hash = hashlib.sha256(body).hexdigest()
    headers = {
        "host": host,
        "accept": "application/json",
        "content-type": "application/x-www-form-urlencoded",
        "x-acs-action": action,
        "x-acs-content-sha256": payload_hash,
        "x-acs-date": _now(),
        "x-acs-signature-nonce": uuid.uuid4().hex,
        "x-acs-version": version,
    }
    if profile.security_token:
        headers["x-acs-security-token"] = profile.security_token
    names = sorted(name for name in headers if name != "accept")
    canonical = v3_canonical_request(
        "POST", "/", {}, {name: [value] for name, value in headers.items()}, names, payload_hash
    )
    signature = v3_signature(profile.access_key_secret, v3_string_to_sign(canonical))
    headers["authorization"] = (
        f"{V3_ALGORITHM} Credential={profile.access_key_id},SignedHeaders={';'.join(names)},Signature={signature}"
    )
    return Prepared("/", headers, body)
