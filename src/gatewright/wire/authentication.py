"""Who signed a request, when, and what they want: version 1 and 3 of the protocol side by side."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from gatewright.access.keyring import AccessKey, Keyring
from gatewright.access.principal import Credential
from gatewright.clock import Clock, parse_iso_seconds
from gatewright.errors import (
    ACCESS_KEY_NOT_FOUND,
    ACTION_NOT_FOUND,
    INCOMPLETE_SIGNATURE,
    INVALID_FORMAT,
    INVALID_VERSION,
    NONCE_USED,
    SIGNATURE_MISMATCH_V1,
    SIGNATURE_MISMATCH_V3,
    TIMESTAMP_EXPIRED,
    TIMESTAMP_FORMAT,
    ApiError,
    missing_parameter,
    signature_mismatch,
)
from gatewright.wire.message import Message
from gatewright.wire.nonces import Nonces, nonce_digest
from gatewright.wire.signature import (
    parse_v3_authorization,
    v1_signature,
    v1_string_to_sign,
    v3_canonical_request,
    v3_signature,
    v3_string_to_sign,
)

#: How far a request's clock may be off, milliseconds.
WINDOW = 15 * 60 * 1000

_JSON, _XML = "JSON", "XML"
#: What a V1 request must have among its parameters. Action and Version too: a header of that name is not signed.
_SIGNED_V1 = (
    "AccessKeyId",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "SignatureNonce",
    "Timestamp",
    "Action",
    "Version",
)
#: Headers that a V3 request may have once.
_ONCE_V3 = (
    "authorization",
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
)


class Target(NamedTuple):
    """Which operation a request is for."""

    version: str
    action: str


def answer_format(message: Message) -> str:
    """``JSON`` or ``XML``: the Format parameter, else the Accept header, else JSON. Raises InvalidParameter.Format."""
    named = message.parameters.get("Format")
    if named:
        if named.upper() not in (_JSON, _XML):
            raise INVALID_FORMAT("Format", named, "must be JSON or XML")
        return named.upper()
    return _accepted_format(message)


def format_of_malformed(message: Message) -> str:
    """``JSON`` or ``XML`` for the answer to parameters that cannot be decoded: what of them can still be read asks."""
    for pair in (*message.raw_query.split(b"&"), *message.body.split(b"&")):
        name, _, value = pair.partition(b"=")
        if name == b"Format" and value.upper() in (b"JSON", b"XML"):
            return value.upper().decode()
    return _accepted_format(message)


def _accepted_format(message: Message) -> str:
    accepted = (message.header("accept") or "").partition(";")[0].strip().lower()
    return _XML if accepted in ("application/xml", "text/xml") else _JSON


def target_of(message: Message) -> Target:
    """What a request is for: parameters first, then headers. Raises MissingAction, MissingVersion."""
    action = message.parameters.get("Action") or message.header("x-acs-action")
    version = message.parameters.get("Version") or message.header("x-acs-version")
    if not action:
        raise missing_parameter("Action")
    if not version:
        raise missing_parameter("Version")
    return Target(version, action)


def not_served(target: Target) -> ApiError:
    """Why a request is for nothing that is served: InvalidVersion or InvalidAction.NotFound."""
    if parse_iso_seconds(f"{target.version}T00:00:00Z") is None:
        return INVALID_VERSION("Version", target.version, "must be a date such as 2016-04-28")
    return ACTION_NOT_FOUND("Action", target.action, f"is not served in version {target.version}")


class Authenticator:
    """Checks signatures, times and nonces."""

    def __init__(self, keyring: Keyring, clock: Clock, unskipping: Clock | None = None) -> None:
        """Nonces are forgotten by the ``unskipping`` clock, if there is one."""
        self._keyring = keyring
        self._clock = clock
        self._unskipping = unskipping or clock
        self._nonces = Nonces()

    def authenticate(self, message: Message) -> Credential:
        """The proven identity of a request. Raises ApiError."""
        header = message.header("authorization")
        return self._version_3(message, header) if header is not None else self._version_1(message)

    def _version_1(self, message: Message) -> Credential:
        parameters = message.parameters
        for name in _SIGNED_V1:
            if not parameters.get(name):
                raise missing_parameter(name)
        if parameters["SignatureMethod"].upper() != "HMAC-SHA1":
            raise INCOMPLETE_SIGNATURE("SignatureMethod", parameters["SignatureMethod"], "must be HMAC-SHA1")
        if parameters["SignatureVersion"] != "1.0":
            raise INCOMPLETE_SIGNATURE("SignatureVersion", parameters["SignatureVersion"], "must be 1.0")
        expires = self._window_end("Timestamp", parameters["Timestamp"])
        key = self._key("AccessKeyId", parameters["AccessKeyId"])
        string_to_sign = v1_string_to_sign(message.method, parameters)
        if not _same(v1_signature(key.secret, string_to_sign), parameters["Signature"]):
            raise signature_mismatch(
                SIGNATURE_MISMATCH_V1 + string_to_sign,
                "Signature: it is not ours; where the string to sign is yours, the secret is another one.",
            )
        return self._credential(key, "SignatureNonce", parameters["SignatureNonce"], expires)

    def _version_3(self, message: Message, header: str) -> Credential:
        authorization = parse_v3_authorization(header)
        date = message.header("x-acs-date")
        nonce = message.header("x-acs-signature-nonce")
        payload_hash = message.header("x-acs-content-sha256")
        for name, value in (
            ("x-acs-date", date),
            ("x-acs-signature-nonce", nonce),
            ("x-acs-content-sha256", payload_hash),
        ):
            if not value:
                raise missing_parameter(name)
            if name not in authorization.signed_headers:
                raise INCOMPLETE_SIGNATURE("SignedHeaders", ";".join(authorization.signed_headers), f"must list {name}")
        for name in _ONCE_V3:
            # Joined values can be cut in more than one way, and what was used once would look new.
            if len(message.headers.get(name, ())) > 1:
                raise INCOMPLETE_SIGNATURE(name, ", ".join(message.headers[name]), "must be given once")
        for name in ("host", "x-acs-action", "x-acs-version"):
            # What decides where the request goes must be signed, wherever it is given.
            if name in message.headers and name not in authorization.signed_headers:
                raise INCOMPLETE_SIGNATURE("SignedHeaders", ";".join(authorization.signed_headers), f"must list {name}")
        expires = self._window_end("x-acs-date", date or "")
        key = self._key("Credential", authorization.key_id)
        if not _same(hashlib.sha256(message.body).hexdigest(), payload_hash or ""):
            raise INCOMPLETE_SIGNATURE("x-acs-content-sha256", payload_hash, "is not the hash of the body that came")
        canonical = v3_canonical_request(
            message.method,
            message.path,
            message.query,
            message.headers,
            authorization.signed_headers,
            payload_hash or "",
        )
        string_to_sign = v3_string_to_sign(canonical)
        if not _same(v3_signature(key.secret, string_to_sign), authorization.signature):
            raise signature_mismatch(
                SIGNATURE_MISMATCH_V3.format(string_to_sign, canonical),
                "Authorization: the signature is not ours; where the canonical request is yours, the secret is "
                "another one.",
            )
        return self._credential(key, "x-acs-signature-nonce", nonce or "", expires)

    def _window_end(self, name: str, text: str) -> int:
        """Until when a request of this time is accepted, milliseconds. Raises InvalidTimeStamp.*."""
        time = parse_iso_seconds(text)
        if time is None:
            raise TIMESTAMP_FORMAT(name, text, "must be a UTC time such as 2026-11-23T08:00:00Z")
        now = self._clock.now()
        if abs(now - time) > WINDOW:
            off = round(abs(now - time) / 1000)
            raise TIMESTAMP_EXPIRED(name, text, f"is {off} seconds off the server's clock; at most 900 are accepted")
        return time + WINDOW

    def _key(self, name: str, key_id: str) -> AccessKey:
        key = self._keyring.find(key_id)
        if key is None:
            raise ACCESS_KEY_NOT_FOUND(name, key_id, "names no access key")
        return key

    def _credential(self, key: AccessKey, name: str, nonce: str, expires: int) -> Credential:
        digest = nonce_digest(key.id, nonce)
        if not self._nonces.use(digest, expires, self._unskipping.now()):
            raise NONCE_USED(name, nonce, "was used by an earlier request")
        return Credential(key.principal, key.id, digest, nonce, expires)


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "surrogatepass"))
