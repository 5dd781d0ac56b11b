"""``GET /metrics``: on the API's port to this machine alone, or on a port of its own to whoever reaches that."""

from __future__ import annotations

import ipaddress

from gatewright.metrics.exposition import Exposition
from gatewright.wire.bodies import Receive, Scope, Send, answer

PATH = "/metrics"
_PLAIN = b"text/plain;charset=utf-8"
#: Said by what stands between: who asks is elsewhere.
_FORWARDED = {b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"}


class MetricsPage:
    """The ASGI application."""

    def __init__(self, exposition: Exposition, *, anybody: bool = False) -> None:
        """Unless ``anybody`` may ask, only a program on this machine may, and neither a proxy nor a page may for it."""
        self._exposition = exposition
        self._anybody = anybody

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is read
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if scope["path"] != PATH:
            await answer(send, 404, b"There is nothing here but /metrics.\n", _PLAIN)
        elif scope["method"] not in ("GET", "HEAD"):
            await answer(send, 405, b"The method must be GET.\n", _PLAIN, (b"allow", b"GET, HEAD"))
        elif not self._anybody and not _is_local(scope, headers):
            await answer(send, 403, b"Metrics are told to this machine alone; metrics_listen changes that.\n", _PLAIN)
        else:
            told, content_type = await self._exposition.text(headers.get(b"accept", b"").decode("latin-1"))
            await answer(send, 200, told, content_type)


def _is_local(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Whether a program on this machine asks: it calls from a loopback address, and calls the service by one.

    A name may be anybody's that is made to lead here by a page in a browser; behind a proxy the caller is elsewhere.
    """
    caller = scope.get("client")
    if caller is None or not _FORWARDED.isdisjoint(headers):
        return False
    host = headers.get(b"host", b"").decode("latin-1").lower()
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return _is_loopback(caller[0]) and (name == "localhost" or _is_loopback(name))


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
