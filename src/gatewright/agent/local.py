"""What a person on the host asks of its running agent: how things stand, and to remove what nobody wants.

A Unix socket that answers root and the agent's own user only. A connection carries one question and one answer, a line
of JSON each.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gatewright.link.unix import peer_uid
from gatewright.plane.contract import PlaneError
from gatewright.resources.specs import ItemKey, Kind

if TYPE_CHECKING:
    from gatewright.agent.loop import Agent

_log = logging.getLogger(__name__)
#: How long a person's side waits for an answer, and the agent for a question, seconds.
_PATIENCE = 120.0
_QUESTION_PATIENCE = 5.0
#: Longest question, bytes: the ids of thousands of orphans.
_LONGEST = 1024 * 1024


class Wish(enum.StrEnum):
    """What is wanted of an item, as its agent knows it."""

    WANTED = "wanted"
    #: Deleted, and not removed yet.
    DELETED = "deleted"
    #: Neither wanted nor deleted: left alone until a person says otherwise.
    ORPHAN = "orphan"


class ItemWish(msgspec.Struct, frozen=True):
    """One item of an agent's answer."""

    kind: Kind
    id: str
    wish: Wish

    @property
    def key(self) -> ItemKey:
        return ItemKey(self.kind, self.id)


class StatusQuestion(msgspec.Struct, frozen=True, tag="status"):
    """How do things stand?"""


class RemoveOrphans(msgspec.Struct, frozen=True, tag="remove-orphans"):
    """Remove these, as far as they are orphans still."""

    items: tuple[tuple[Kind, str], ...]


class AgentStatus(msgspec.Struct, frozen=True, tag="status"):
    """How things stand."""

    pid: int
    #: The revision of the host up to which the control plane is followed.
    revision: int
    #: Whether the control plane has said, since the agent's start, all that it wants: only then are orphans known.
    heard: bool
    #: Why the control plane is not followed at the moment, for people; empty if it is.
    trouble: str
    items: tuple[ItemWish, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What became of one orphan; an empty failure means that it is gone."""

    kind: Kind
    id: str
    failure: str


class Removed(msgspec.Struct, frozen=True, tag="removed"):
    """What became of the orphans."""

    outcomes: tuple[Outcome, ...]


_questions: msgspec.json.Decoder[StatusQuestion | RemoveOrphans] = msgspec.json.Decoder(StatusQuestion | RemoveOrphans)
_answers: msgspec.json.Decoder[AgentStatus | Removed] = msgspec.json.Decoder(AgentStatus | Removed)


class NoAgent(Exception):
    """No agent answers. The text says why, for people."""


class LocalServer:
    """The agent's side."""

    def __init__(self, agent: Agent, path: Path) -> None:
        self._agent = agent
        self._path = path
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; a socket that an earlier agent left behind is replaced. Raises OSError."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(str(self._path))
        finally:
            os.umask(before)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=_LONGEST)

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if peer_uid(writer.get_extra_info("socket")) not in (0, os.geteuid()):
                return
            async with asyncio.timeout(_QUESTION_PATIENCE):
                question = _questions.decode(await reader.readline())
            answer = self._status() if isinstance(question, StatusQuestion) else await self._remove(question)
            writer.write(msgspec.json.encode(answer) + b"\n")
            await writer.drain()
        except (ValueError, OSError, TimeoutError) as error:
            _log.warning("what came through the agent's local socket is no question: %s", error)
        finally:
            writer.close()

    def _status(self) -> AgentStatus:
        agent = self._agent
        items = [ItemWish(key.kind, key.id, wish) for key, wish in sorted(agent.wishes().items())]
        return AgentStatus(os.getpid(), agent.followed, agent.heard, agent.trouble, tuple(items))

    async def _remove(self, question: RemoveOrphans) -> Removed:
        outcomes = []
        keys = [ItemKey(kind, item_id) for kind, item_id in question.items]
        for key in sorted(keys, key=removal_order):
            try:
                await self._agent.remove_orphan(key)
                outcomes.append(Outcome(key.kind, key.id, ""))
            except PlaneError as error:
                outcomes.append(Outcome(key.kind, key.id, str(error)))
        return Removed(tuple(outcomes))


def removal_order(key: ItemKey) -> tuple[bool, ItemKey]:
    """Sorts what is plugged into vSwitches before the vSwitches."""
    return key.kind is Kind.VSWITCH, key


def ask_status(path: Path) -> AgentStatus:
    """Ask the agent that answers at a path; blocks. Raises NoAgent."""
    answer = _ask(path, StatusQuestion())
    if not isinstance(answer, AgentStatus):
        raise NoAgent("the agent gave an answer to another question")
    return answer


def ask_removal(path: Path, keys: list[ItemKey]) -> tuple[Outcome, ...]:
    """Have the agent remove orphans; blocks until it is done. Raises NoAgent."""
    answer = _ask(path, RemoveOrphans(tuple((key.kind, key.id) for key in keys)))
    if not isinstance(answer, Removed):
        raise NoAgent("the agent gave an answer to another question")
    return answer.outcomes


def _ask(path: Path, question: StatusQuestion | RemoveOrphans) -> AgentStatus | Removed:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_PATIENCE)
            connection.connect(str(path))
            connection.sendall(msgspec.json.encode(question) + b"\n")
            with connection.makefile("rb") as stream:
                return _answers.decode(stream.read())
    except FileNotFoundError:
        raise NoAgent("no agent runs") from None
    except ConnectionRefusedError:
        raise NoAgent("no agent runs: the last one was killed") from None
    except PermissionError:
        raise NoAgent("only root may ask the agent") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise NoAgent(f"the agent does not answer: {error}") from error
