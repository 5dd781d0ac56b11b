"""Messages of the link over a stream: a length of four bytes, then a MessagePack document."""

from __future__ import annotations

import asyncio
import struct
from typing import Annotated, TypeVar

import msgspec

from gatewright.link.contract import HostChanges, LinkDown, Secret
from gatewright.resources.specs import Observation
from gatewright.resources.traffic import Count
from gatewright.resources.tunnel_states import TunnelLine, TunnelState
from gatewright.resources.tunnels import SecretRef

_LENGTH = struct.Struct(">I")
#: Bytes of a message. A page of 500 specs is about 250 kB.
LARGEST = 16 * 1024 * 1024

#: States of tunnels, lines of their logs, and secrets, in one message.
MOST_OF_TUNNELS = 1000

Message = TypeVar("Message")
Answer = TypeVar("Answer")


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


class TunnelsRequest(msgspec.Struct, frozen=True, tag="tunnels"):
    """Tell what was seen of tunnels."""

    states: Annotated[tuple[TunnelState, ...], msgspec.Meta(max_length=MOST_OF_TUNNELS)]
    lines: Annotated[tuple[TunnelLine, ...], msgspec.Meta(max_length=MOST_OF_TUNNELS)]
    version: int = 1


class SecretsRequest(msgspec.Struct, frozen=True, tag="secrets"):
    """Ask for values of secrets."""

    references: Annotated[tuple[SecretRef, ...], msgspec.Meta(max_length=MOST_OF_TUNNELS)]
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


class TunnelsAnswer(msgspec.Struct, frozen=True, tag="tunnels"):
    """It is kept."""


class SecretsAnswer(msgspec.Struct, frozen=True, tag="secrets"):
    """Those that the host is to know."""

    secrets: tuple[Secret, ...]


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """The control plane could not answer; the agent asks again."""

    reason: str


AgentMessage = ChangesRequest | ReportRequest | TrafficRequest | TunnelsRequest | SecretsRequest
ControlMessage = ChangesAnswer | ReportAnswer | TrafficAnswer | TunnelsAnswer | SecretsAnswer | Failure

agent_decoder: msgspec.msgpack.Decoder[AgentMessage] = msgspec.msgpack.Decoder(AgentMessage)
control_decoder: msgspec.msgpack.Decoder[ControlMessage] = msgspec.msgpack.Decoder(ControlMessage)


def expected(reply: ControlMessage, kind: type[Answer]) -> Answer:
    """The answer, if it is one of this kind. Raises LinkDown."""
    if isinstance(reply, kind):
        return reply
    raise LinkDown(reply.reason if isinstance(reply, Failure) else "an answer to another question")


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
