"""The ASGI application: one RPC endpoint at ``/``, and two pages for people and monitors.

A plain callable, because a framework costs more here than the whole rest of a read.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote

from gatewright import ids
from gatewright.errors import (
    ACTION_NOT_FOUND,
    INTERNAL_ERROR,
    SERVICE_UNAVAILABLE,
    UNSUPPORTED_METHOD,
    ApiError,
)
from gatewright.operations.declaration import Operation
from gatewright.operations.execution import Executor
from gatewright.store.database import StoreClosed
from gatewright.wire.authentication import (
    Authenticator,
    answer_format,
    format_of_malformed,
    not_served,
    target_of,
)
from gatewright.wire.decoding import decode
from gatewright.wire.encoding import encode_answer, encode_error
from gatewright.wire.error_pages import ErrorPages
from gatewright.wire.message import Message
from gatewright.wire.throttling import Throttle

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

#: Bytes of a request's body.
LARGEST_BODY = 1024 * 1024
#: How long a client may take to send a body, seconds.
BODY_PATIENCE = 30.0

#: How long, seconds, and how many bytes, what a refused client still sends is read and ignored.
REFUSED_PATIENCE = 1.0
REFUSED_MOST = 8 * LARGEST_BODY

_log = logging.getLogger(__name__)
_requests = logging.getLogger("gatewright.requests")
_PLAIN = b"text/plain;charset=utf-8"


class _Refused(Exception):
    """A request that is answered below the protocol, with a bare status."""

    def __init__(self, status: int) -> None:
        self.status = status


class Endpoint:
    """Serves the API."""

    def __init__(
        self,
        operations: Mapping[tuple[str, str], Operation[Any, Any]],
        authenticator: Authenticator,
        executor: Executor,
        throttle: Throttle | None = None,
    ) -> None:
        """Without a ``throttle`` calls are let through however often they come."""
        self._operations = operations
        self._authenticator = authenticator
        self._executor = executor
        self._throttle = throttle
        self._error_pages = ErrorPages(operations.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        try:
            body = await _read_body(scope, receive)
        except _Refused as refused:
            await _refuse(refused.status, receive, send)
            return
        if body is None:
            return
        path = scope["path"]
        if scope["method"] in ("GET", "HEAD") and path == "/healthz":
            await _answer(send, 200, b"ok\n", _PLAIN)
        elif scope["method"] in ("GET", "HEAD") and path.startswith("/errors/"):
            page = self._error_pages.page(unquote(path.removeprefix("/errors/")))
            await _answer(send, 200 if page else 404, (page or "There is no such error code.\n").encode(), _PLAIN)
        else:
            raw_path = (scope.get("raw_path") or path.encode()).decode("latin-1")
            message = Message(scope["method"], raw_path, scope["query_string"], scope["headers"], body)
            await _answer(send, *await self._serve(message))

    async def _serve(self, message: Message) -> tuple[int, bytes, bytes, int | None]:
        """Status, body, content type, and how long to wait (milliseconds) of one call. Never raises."""
        request_id = ids.request_id()
        form, action = "JSON", "-"
        try:
            try:
                form = answer_format(message)
            except ApiError:
                form = format_of_malformed(message)
                raise
            if message.path not in ("/", ""):
                raise ACTION_NOT_FOUND("path", message.path, "the API is served at /")
            if message.method not in ("GET", "POST"):
                raise UNSUPPORTED_METHOD("method", message.method, "must be GET or POST")
            target = target_of(message)
            operation = self._operations.get(target)
            if operation is None:
                raise not_served(target)
            action = operation.name
            credential = self._authenticator.authenticate(message)
            if self._throttle is not None:
                region = message.parameters.get("RegionId")
                self._throttle.let_through(credential.principal.account_id, region, target)
            request = decode(operation, message.parameters)
            answer = await self._executor.run(operation, credential, request)
            answer.request_id = request_id
            status, error = 200, None
            content, content_type = encode_answer(answer, action, form)
        except ApiError as refused:
            error = refused
        except (StoreClosed, asyncio.CancelledError):
            error = SERVICE_UNAVAILABLE.because("The service is shutting down.")
        except Exception:
            _log.exception("%s %s failed", action, request_id)
            error = INTERNAL_ERROR.because(f"A fault of the server; its log has request id {request_id}.")
        if error is not None:
            status = error.status
            content, content_type = encode_error(error, request_id, message.host, form)
        if _requests.isEnabledFor(logging.INFO):
            _requests.info("%s %d %s %s", action, status, error.code if error else "OK", request_id)
        return status, content, content_type, error.retry_after if error is not None else None


async def _read_body(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body; None when the client went away. Raises _Refused."""
    announced = False
    for name, value in scope["headers"]:
        if name == b"content-length":
            announced = value != b"0"
            if int(value) > LARGEST_BODY:
                raise _Refused(413)
        elif name == b"transfer-encoding":
            announced = True
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_PATIENCE if announced else None):
            event = await receive()
            while event.get("more_body"):
                parts.append(event["body"])
                size += len(event["body"])
                if size > LARGEST_BODY:
                    raise _Refused(413)
                event = await receive()
    except TimeoutError:
        raise _Refused(408) from None
    if event["type"] == "http.disconnect":
        return None
    if size + len(event.get("body", b"")) > LARGEST_BODY:
        raise _Refused(413)
    parts.append(event.get("body", b""))
    return b"".join(parts) if len(parts) > 1 else parts[0]


async def _answer(send: Send, status: int, body: bytes, content_type: bytes, retry_after: int | None = None) -> None:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    if retry_after is not None:
        headers.append((b"x-acs-retry-after", b"%d" % retry_after))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _refuse(status: int, receive: Receive, send: Send) -> None:
    """Answer with a bare status and hang up, having read on for a moment.

    Hanging up on a client that is still sending resets the connection, and it may never see the answer.
    """
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    ignored = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REFUSED_PATIENCE):
            while ignored < REFUSED_MOST:
                event = await receive()
                ignored += len(event.get("body", b""))
                if not event.get("more_body"):
                    break
    await send({"type": "http.response.body", "body": b""})
