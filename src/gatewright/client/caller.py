"""One connection to an API, on which operations are called one after the other."""

from __future__ import annotations

import http.client
import json
import select
import socket
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from gatewright.client.profile import Profile
from gatewright.client.signing import Prepared, Signature, prepare_v1, prepare_v3

VPC_VERSION = "2016-04-28"


class Unreachable(Exception):
    """Nobody answers at the endpoint, or not as an API does. The text names the endpoint and what to look at."""


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, action: str, status: int, body: Mapping[str, Any]) -> None:
        self.action = action
        self.status = status
        self.code = str(body.get("Code", ""))
        #: The documented text.
        self.message = str(body.get("Message", ""))
        #: Which parameter, value and rule; only Gatewright says so.
        self.detail = str(body.get("Detail", ""))
        #: Where it is explained what to do.
        self.recommend = str(body.get("Recommend", ""))
        self.request_id = str(body.get("RequestId", ""))
        super().__init__(f"{action}: {status} {self.code}: {self.detail or self.message}")


class Caller:
    """Calls operations with a profile's key. Not for two threads at once.

    Calls raise Refused for errors, Unreachable where there is no API. A request is sent once: one that got no answer
    may have been carried out, and is the caller's to repeat. A connection that the service has closed since is opened
    anew before it.
    """

    def __init__(self, profile: Profile, *, signature: Signature = "V3", timeout: float = 30.0) -> None:
        parts = urlsplit(profile.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unreachable(f"the endpoint {profile.endpoint!r} is not of the form http://HOST:PORT")
        self.profile = profile
        self._signature = signature
        self._timeout = timeout
        self._secure = parts.scheme == "https"
        self._name, self._port = parts.hostname, parts.port
        self._host = parts.netloc.rpartition("@")[2]
        self._connection: http.client.HTTPConnection | None = None

    def call(
        self, action: str, parameters: Mapping[str, str] | None = None, version: str = VPC_VERSION
    ) -> dict[str, Any]:
        """Call an operation; ``RegionId`` is the profile's unless it is given. Returns the answer."""
        given = {"RegionId": self.profile.region, **(parameters or {})}
        connection = self._connected()
        prepared = self._prepared(action, version, given)
        try:
            connection.request("POST", prepared.target, prepared.body, prepared.headers)
            response = connection.getresponse()
            status, body = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            reason = str(error) or type(error).__name__
            unanswered = f"{self.profile.endpoint} gave no answer to {action} ({reason})"
            raise Unreachable(f"{unanswered}: whether it was carried out is not known") from error
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Unreachable(f"{self.profile.endpoint} answered with status {status} and no JSON: is it the API's?")
        if status != 200:
            raise Refused(action, status, answer)
        return answer

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Caller:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prepared(self, action: str, version: str, parameters: Mapping[str, str]) -> Prepared:
        if self._signature == "V1":
            return prepare_v1(self.profile, action, version, parameters)
        return prepare_v3(self.profile, action, version, parameters, self._host)

    def _connected(self) -> http.client.HTTPConnection:
        """The connection, which is open as far as can be known."""
        if self._connection is not None and not _hung_up(self._connection.sock):
            return self._connection
        self.close()
        try:
            self._connection = self._connect()
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        return self._connection

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context(cafile=self.profile.ca)
            made: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._name, self._port, timeout=self._timeout, context=context
            )
        else:
            made = http.client.HTTPConnection(self._name, self._port, timeout=self._timeout)
        made.connect()
        return made

    def _unreachable(self, error: Exception) -> Unreachable:
        endpoint = self.profile.endpoint
        if isinstance(error, ssl.SSLCertVerificationError):
            return Unreachable(
                f"{endpoint} shows a certificate that is not trusted here ({error.verify_message}): "
                "name the authority that issued it with --ca, or in SSL_CERT_FILE"
            )
        if isinstance(error, ConnectionRefusedError):
            return Unreachable(f"nobody listens at {endpoint}: start `gatewright serve`, or say --endpoint")
        return Unreachable(f"{endpoint} cannot be reached: {str(error) or type(error).__name__}")


def _hung_up(sock: socket.socket | None) -> bool:
    """Whether the other side has ended a connection on which nothing is under way: nothing else is sent unasked."""
    return sock is None or bool(select.select([sock], [], [], 0)[0])
