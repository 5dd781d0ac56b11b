"""The ASGI application: one RPC endpoint at ``/``, and two pages for people and monitors.

A plain callable, because a framework costs more here than the whole rest of a read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
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
from gatewright.telemetry import tracing
from gatewright.telemetry.logs import fields
from gatewright.telemetry.requests import request_id as current_request
from gatewright.telemetry.tracing import Span
from gatewright.wire.authentication import (
    Authenticator,
    answer_format,
    format_of_malformed,
    not_served,
    target_of,
)
from gatewright.wire.bodies import Receive, Refused, Scope, Send, answer, read_body, refuse
from gatewright.wire.decoding import decode
from gatewright.wire.encoding import encode_answer, encode_error
from gatewright.wire.error_pages import ErrorPages
from gatewright.wire.interception import DROP, Dropped, Interception, Outcome
from gatewright.wire.message import Message
from gatewright.wire.throttling import Throttle

#: Bytes of a request's body.
LARGEST_BODY = 1024 * 1024
#: Stands for the operations of calls that none is served for.
OTHER = "other"

_log = logging.getLogger(__name__)
_requests = logging.getLogger("gatewright.requests")
_PLAIN = b"text/plain;charset=utf-8"


class Endpoint:
    """Serves the API."""

    def __init__(
        self,
        operations: Mapping[tuple[str, str], Operation[Any, Any]],
        authenticator: Authenticator,
        executor: Executor,
        throttle: Throttle | None = None,
        interception: Interception | None = None,
        answered: Callable[[str, str, float], None] | None = None,
        beside: Mapping[str, Callable[[Scope, Receive, Send], Awaitable[None]]] | None = None,
    ) -> None:
        """Without a ``throttle`` calls are let through however often they come.

        ``answered`` is told of each call: the operation's title, or OTHER for what is none that is served; the error's
        code, or ``OK``; the seconds that it took. ``beside`` are applications that have a path of their own.
        """
        self._operations = operations
        self._authenticator = authenticator
        self._executor = executor
        self._throttle = throttle
        self._interception = interception
        self._answered = answered
        self._beside = beside or {}
        self._error_pages = ErrorPages(operations.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        other = self._beside.get(scope["path"])
        if other is not None:
            await other(scope, receive, send)
            return
        try:
            body = await read_body(scope, receive, LARGEST_BODY)
        except Refused as refused:
            await refuse(refused.status, receive, send)
            return
        if body is None:
            return
        path = scope["path"]
        if scope["method"] in ("GET", "HEAD") and path == "/healthz":
            await answer(send, 200, b"ok\n", _PLAIN)
        elif scope["method"] in ("GET", "HEAD") and path.startswith("/errors/"):
            page = self._error_pages.page(unquote(path.removeprefix("/errors/")))
            await answer(send, 200 if page else 404, (page or "There is no such error code.\n").encode(), _PLAIN)
        else:
            raw_path = (scope.get("raw_path") or path.encode()).decode("latin-1")
            message = Message(
                scope["method"], raw_path, scope["query_string"], scope["headers"], body, scope.get("scheme", "http")
            )
            try:
                with tracing.serving("call", message.header("traceparent") or "") as span:
                    status, content, content_type, retry_after = await self._serve(message, span)
            except Dropped:
                scope["extensions"][DROP]()
            else:
                waiting = () if retry_after is None else ((b"x-acs-retry-after", b"%d" % retry_after),)
                await answer(send, status, content, content_type, *waiting)

    async def _serve(self, message: Message, span: Span) -> tuple[int, bytes, bytes, int | None]:
        """Status, body, content type, and how long to wait (milliseconds) of one call. Raises Dropped, nothing else."""
        began = time.perf_counter()
        request_id = ids.request_id()
        current_request.set(request_id)
        form, action, title = "JSON", "-", OTHER
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
            action, title = operation.name, operation.title
            credential = self._authenticator.authenticate(message)
            if self._throttle is not None:
                region = message.parameters.get("RegionId")
                self._throttle.let_through(credential.principal.account_id, region, target)
            request = decode(operation, message.parameters)
            if self._interception is None:
                result = await self._executor.run(operation, credential, request, message.host)
            else:
                run = partial(self._executor.run, operation, credential, request, message.host)
                result = await self._interception.carry_out(operation.title, run)
            result.request_id = request_id
            status, error = 200, None
            content, content_type = encode_answer(result, action, form)
        except Dropped:
            if self._interception is not None:
                self._interception.ended(message, Outcome(request_id, None, None))
            raise
        except ApiError as refused:
            error = refused
        except (StoreClosed, asyncio.CancelledError):
            error = SERVICE_UNAVAILABLE.because("The service is shutting down.")
        except Exception:
            _log.exception("%s failed", action)
            error = INTERNAL_ERROR.because(f"A fault of the server; its log has request id {request_id}.")
        if error is not None:
            status = error.status
            content, content_type = encode_error(error, request_id, message.host, form, message.scheme)
        if self._interception is not None:
            self._interception.ended(message, Outcome(request_id, status, error.code if error else None))
        code = error.code if error is not None else "OK"
        took = time.perf_counter() - began
        span.name(title)
        span.tell(operation=title, status=status, code=code, request_id=request_id)
        if error is not None and status >= 500:
            span.fail(code)
        if self._answered is not None:
            self._answered(title, code, took)
        if _requests.isEnabledFor(logging.INFO):
            told = fields(operation=action, status=status, code=code, seconds=round(took, 6))
            _requests.info("%s %d %s in %.1f ms", action, status, code, took * 1000, extra=told)
        return status, content, content_type, error.retry_after if error is not None else None
