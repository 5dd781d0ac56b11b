"""Messages of the link over a stream: a length of four bytes, then a MessagePack document."""

from __future__ import annotations

import asyncio
import struct
from typing import Annotated, TypeVar

import msgspec

from gatewright.link.contract import HostChanges
from gatewright.resources.specs import Observation
from gatewright.resources.traffic import Count

_LENGTH = struct.Struct(">I")
#: Bytes of a message. A page of 500 specs is about 250 kB.
LARGEST = 16 * 1024 * 1024

Message = TypeVar("Message")


class ChangesRequest(msgspec.Struct, frozen=True, tag="changes"):
    """Ask for what changed; ``wait`` in seconds."""

    since: int
    wait: float
    #: The version of specs that the agent knows; the first agents told none.
    version: int = 1


class ReportRequest(msgspec.Struct, frozen=True, tag="report"):
    """Tell what was seen."""

    observations: tuple[Observation, ...]
    version: int = 1


class TrafficRequest(msgspec.Struct, frozen=True, tag="traffic"):
    """Tell what has gone through instances."""

    counts: tuple[Count, ...]
    version: int = 1


class ChangesAnswer(msgspec.Struct, frozen=True, tag="changes"):
    """What changed."""

    changes: HostChanges


class ReportAnswer(msgspec.Struct, frozen=True, tag="report"):
    """The report is kept."""


class TrafficAnswer(msgspec.Struct, frozen=True, tag="traffic"):
    """It is noted."""

    #: In how many seconds to tell again; a bound, because agents do as they are told.
    again: Annotated[float, msgspec.Meta(ge=0.1, le=3600)]


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """The control plane could not answer; the agent asks again."""

    reason: str


AgentMessage = ChangesRequest | ReportRequest | TrafficRequest
ControlMessage = ChangesAnswer | ReportAnswer | TrafficAnswer | Failure

agent_decoder: msgspec.msgpack.Decoder[AgentMessage] = msgspec.msgpack.Decoder(AgentMessage)
control_decoder: msgspec.msgpack.Decoder[ControlMessage] = msgspec.msgpack.Decoder(ControlMessage)


async def read_frame(reader: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[Message]) -> Message:
    """The next message. Raises EOFError at the end, ValueError for what is no message."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > LARGEST:
            raise ValueError(f"a message of {length} bytes")
        return decoder.decode(await reader.readexactly(length))
    except asyncio.IncompleteReadError as error:
        raise EOFError("the other side is gone") from error


async def write_frame(writer: asyncio.StreamWriter, message: AgentMessage | ControlMessage) -> None:
    """Send a message."""
    document = msgspec.msgpack.encode(message)
    writer.write(_LENGTH.pack(len(document)) + document)
    await writer.drain()
