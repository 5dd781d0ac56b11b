"""A small client of our own, written from the protocol's description and not from the server's code.

The vendors' SDKs are tested in ``tests/clients``; this one can also send what no SDK would.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

VPC = "2016-04-28"


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.code: str = body.get("Code", "")
        self.message: str = body.get("Message", "")
        self.detail: str = body.get("Detail", "")


class ControlRefused(Exception):
    """A request to the control API that was refused."""

    def __init__(self, status: int, body: dict[str, str]) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.error = body["error"]
        self.parameter = body["parameter"]


@dataclass
class Reply:
    """A raw answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.body)
        return decoded


def encode(text: str) -> str:
    return quote(text, safe="-_.~")


def sign_v1(method: str, parameters: dict[str, str], secret: str) -> str:
    canonical = "&".join(f"{encode(k)}={encode(v)}" for k, v in sorted(parameters.items()))
    to_sign = f"{method}&{encode('/')}&{encode(canonical)}"
    digest = hmac.new((secret + "&").encode(), to_sign.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def v1_parameters(action: str, parameters: dict[str, str], key: str, version: str = VPC) -> dict[str, str]:
    return {
        "Action": action,
        "Version": version,
        "Format": "JSON",
        "AccessKeyId": key,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid.uuid4().hex,
        "Timestamp": now(),
        **parameters,
    }


@dataclass
class Client:
    """Calls operations, and raises Refused for errors."""

    port: int
    key: str = "test"
    secret: str = "secret"
    region: str = "cn-hangzhou"
    host: str = "127.0.0.1"
    timeout: float = 30.0
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def send(self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        """Send anything, on a connection that is kept."""
        for attempt in (1, 2):
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            try:
                self._connection.request(method, target, body, headers or {})
                response = self._connection.getresponse()
                reply = Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.close()
                if attempt == 2:
                    raise
            else:
                return reply
        raise AssertionError

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def v1(self, action: str, version: str = VPC, method: str = "POST", **parameters: Any) -> Reply:
        """A V1 request with everything in the query."""
        signed = v1_parameters(action, texts(parameters), self.key, version)
        signed["Signature"] = sign_v1(method, signed, self.secret)
        return self.send(method, "/?" + urlencode(signed))

    def v3(self, action: str, version: str = VPC, body: dict[str, str] | None = None, **parameters: Any) -> Reply:
        """A V3 request: parameters in the query, ``body`` as a form."""
        content = urlencode(body or {}).encode()
        query = "&".join(f"{encode(k)}={encode(v)}" for k, v in sorted(texts(parameters).items()))
        headers = {
            "host": f"{self.host}:{self.port}",
            "x-acs-action": action,
            "x-acs-version": version,
            "x-acs-date": now(),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": hashlib.sha256(content).hexdigest(),
        }
        if content:
            headers["content-type"] = "application/x-www-form-urlencoded"
        headers["authorization"] = self.authorize_v3("POST", query, headers)
        return self.send("POST", "/?" + query, content, headers)

    def authorize_v3(self, method: str, query: str, headers: dict[str, str]) -> str:
        names = sorted(headers)
        lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
        request = "\n".join((method, "/", query, lines, ";".join(names), headers["x-acs-content-sha256"]))
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
        signature = hmac.new(self.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        return f"ACS3-HMAC-SHA256 Credential={self.key},SignedHeaders={';'.join(names)},Signature={signature}"

    def call(self, action: str, version: str = VPC, **parameters: Any) -> dict[str, Any]:
        """Call an operation in the client's region; what is None is left out."""
        given = {"RegionId": self.region, **parameters}
        reply = self.v1(action, version, **{name: value for name, value in given.items() if value is not None})
        if reply.status != 200:
            raise Refused(reply.status, reply.json())
        return reply.json()


def texts(parameters: dict[str, Any]) -> dict[str, str]:
    """Values as the wire has them."""
    return {
        name: ("true" if value else "false") if isinstance(value, bool) else str(value)
        for name, value in parameters.items()
    }
