"""The control API's ASGI application: JSON in and out, one request after the other."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from gatewright.control.routes import LARGEST, Asked, Body, Nothing, Refusal, Route
from gatewright.errors import ApiError
from gatewright.wire.bodies import Receive, Refused, Scope, Send, answer, read_body, refuse
from gatewright.wire.parameters import decode_pairs

_log = logging.getLogger(__name__)
JSON_TYPE = b"application/json"
_UNKNOWN = re.compile(r"contains unknown field `(.*?)`")
_MISSING = re.compile(r"missing required field `(.*?)`")
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::[0-9]*)?\Z")
_PLACE = re.compile(r" - at `\$\.?(.*)`\Z")


class _Found(NamedTuple):
    route: Route
    path: dict[str, str]


class ControlEndpoint:
    """Serves the control API."""

    def __init__(self, routes: Iterable[Route], settle: Callable[[], Awaitable[None]], host: str = "") -> None:
        """``settle`` waits until the host has settled; ``host`` is the name that it listens on, if it is one."""
        self.routes = tuple(routes)
        self._settle = settle
        self._names = {"localhost", host.lower()}
        #: What is steered is steered by one request at a time.
        self._one = asyncio.Lock()
        #: A large body is read and carried out before the next one is read: they would fill the memory.
        self._large = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            found = self._find(scope)
            most = LARGEST if isinstance(found, Refusal) else found.route.most
            async with self._large if most > LARGEST else contextlib.nullcontext():
                # Also what is refused is read first: an answer in the middle of a body is one that some clients miss.
                body = await read_body(scope, receive, most)
                if body is None:
                    return
                if isinstance(found, Refusal):
                    raise found
                asked = _asked(found, scope, body)
                async with self._one:
                    result = await self._carry_out(found.route, asked)
        except Refused as refused:
            await _explain(receive, send, _too_much(refused.status))
        except Refusal as refusal:
            await _explain(receive, send, refusal)
        except ApiError as error:
            # Only the database's absence ends here.
            await _explain(receive, send, Refusal(error.status, error.detail or error.message))
        except Exception:
            _log.exception("%s %s failed", scope["method"], scope["path"])
            await _explain(receive, send, Refusal(500, "a fault of the server, which its log tells more of"))
        else:
            await answer(send, 200, result, JSON_TYPE)

    async def _carry_out(self, route: Route, asked: Asked) -> bytes:
        if route.settles:
            await self._settle()
        result = await route.handle(asked)
        if route.settles:
            await self._settle()
        return msgspec.json.encode(result) + b"\n"

    def _find(self, scope: Scope) -> _Found | Refusal:
        """The route of a request, or why there is none."""
        refusal = self._sent_by_a_page(scope)
        if refusal is not None:
            return refusal
        parts = scope["path"].split("/")
        allowed = []
        for route in self.routes:
            path = _match(route.path.split("/"), parts)
            if path is not None and route.method == scope["method"]:
                return _Found(route, path)
            if path is not None:
                allowed.append(route.method)
        if allowed:
            refusal = Refusal(405, f"{scope['path']} takes {' and '.join(sorted(allowed))}", "method")
            refusal.headers = ((b"allow", ", ".join(sorted(allowed)).encode()),)
            return refusal
        return Refusal(404, f"there is no {scope['path']}", "path")

    def _sent_by_a_page(self, scope: Scope) -> Refusal | None:
        """Why a request looks as if a page in somebody's browser had sent it; None when it does not."""
        for name, value in scope["headers"]:
            if name == b"origin":
                return Refusal(
                    403, "Origin stands for a browser, and pages of whatever site have no business here", "Origin"
                )
            if name == b"sec-fetch-site" and value.strip().lower() != b"none":
                return Refusal(
                    403, "Sec-Fetch-Site says that a page sent this, and pages have no business here", "Sec-Fetch-Site"
                )
            # A name of somebody else's that is made to lead here would make a page of theirs one of ours.
            if name == b"host" and not self._is_ours(value.decode("latin-1").strip()):
                return Refusal(
                    403,
                    "Host must be an IP address, localhost, or the name that --control-listen has: other names are "
                    "not trusted",
                    "Host",
                )
        return None

    def _is_ours(self, host: str) -> bool:
        found = _HOST.match(host)
        if found is None:
            return False
        name = found["name"].lower()
        if name in self._names:
            return True
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
            return True
        return False


def _match(template: list[str], parts: list[str]) -> dict[str, str] | None:
    """The values of the parts in braces, or None when the path is another one."""
    if len(template) != len(parts):
        return None
    values = {}
    for ours, theirs in zip(template, parts, strict=True):
        if ours.startswith("{"):
            values[ours[1:-1]] = theirs
        elif ours != theirs:
            return None
    return values


def _asked(found: _Found, scope: Scope, body: bytes) -> Asked:
    """The request, its body decoded. Raises Refusal."""
    try:
        query = decode_pairs(scope["query_string"], "the query")
    except ApiError as error:
        raise Refusal(400, error.detail, "query") from None
    for name in query:
        if name not in found.route.query:
            takes = ", ".join(found.route.query) or "nothing"
            raise Refusal(400, f"{name[:100]} is not known in the query, which takes {takes}", name[:100])
    return Asked(found.path, query, _decoded(found.route, scope, body))


def _decoded(route: Route, scope: Scope, body: bytes) -> Any:
    """The body. Raises Refusal."""
    if not body and route.body is Nothing:
        return Nothing()
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    if not kinds or kinds[0].partition(b";")[0].strip().lower() != JSON_TYPE:
        raise Refusal(415, "Content-Type must be application/json", "Content-Type")
    if not issubclass(route.body, Body):
        return body
    try:
        return msgspec.json.decode(body, type=route.body)
    except msgspec.DecodeError as error:
        raise _undecodable(str(error), route.body) from None


def _undecodable(text: str, kind: type[Body]) -> Refusal:
    """What is wrong with a body, by the name of the field."""
    place = _PLACE.search(text)
    within = place[1] if place else ""
    unknown, missing = _UNKNOWN.search(text), _MISSING.search(text)
    if unknown is not None:
        known = ", ".join(field.encode_name for field in msgspec.structs.fields(kind)) or "none"
        return Refusal(400, f"{unknown[1]} is not known; the fields are: {known}", unknown[1])
    if missing is not None:
        return Refusal(400, f"{missing[1]} is missing", missing[1])
    sentence = _PLACE.sub("", text)
    return Refusal(400, f"{within or 'the body'}: {sentence}", within)


def _too_much(status: int) -> Refusal:
    return Refusal(status, "the body is too large" if status == 413 else "the body did not come")


async def _explain(receive: Receive, send: Send, refusal: Refusal) -> None:
    body = msgspec.json.encode({"error": refusal.error, "parameter": refusal.parameter}) + b"\n"
    if refusal.status in (408, 413):
        await refuse(refusal.status, receive, send, body, JSON_TYPE)
    else:
        await answer(send, refusal.status, body, JSON_TYPE, *refusal.headers)
