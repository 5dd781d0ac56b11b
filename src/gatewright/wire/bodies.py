"""Reading a request's body within bounds, and answering: what every endpoint does alike."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

#: How long a client may take to send a body, seconds.
BODY_PATIENCE = 30.0
#: How long, seconds, and how many bytes, what a refused client still sends is read and ignored.
REFUSED_PATIENCE = 1.0
REFUSED_MOST = 8 * 1024 * 1024


class Refused(Exception):
    """A body that is not read to its end: too large (413) or too slow (408)."""

    def __init__(self, status: int) -> None:
        self.status = status


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes | None:
    """The whole body, of at most so many bytes; None when the client went away. Raises Refused."""
    announced = False
    for name, value in scope["headers"]:
        if name == b"content-length":
            announced = value != b"0"
            if int(value) > most:
                raise Refused(413)
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
                if size > most:
                    raise Refused(413)
                event = await receive()
    except TimeoutError:
        raise Refused(408) from None
    if event["type"] == "http.disconnect":
        return None
    if size + len(event.get("body", b"")) > most:
        raise Refused(413)
    parts.append(event.get("body", b""))
    return b"".join(parts) if len(parts) > 1 else parts[0]


async def answer(
    send: Send, status: int, body: bytes, content_type: bytes, *more: tuple[bytes, bytes], hold: bool = False
) -> None:
    """Answer with a body of a type, and more headers; with ``hold`` the answer is not ended yet."""
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": hold})


async def refuse(
    status: int, receive: Receive, send: Send, body: bytes = b"", content_type: bytes = b"text/plain"
) -> None:
    """Answer and hang up, having read on for a moment.

    Hanging up on a client that is still sending resets the connection, and it may never see the answer.
    """
    await answer(send, status, body, content_type, (b"connection", b"close"), hold=True)
    ignored = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REFUSED_PATIENCE):
            while ignored < REFUSED_MOST:
                event = await receive()
                ignored += len(event.get("body", b""))
                if not event.get("more_body"):
                    break
    await send({"type": "http.response.body", "body": b""})
