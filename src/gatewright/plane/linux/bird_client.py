"""Talking to a BIRD over its control socket, and what it tells of its sessions, as values.

Lines of an answer begin with a number and ``-``, or with a space if it is the same number as before; the last one has
a space behind its number (BIRD's doc/reply_codes). 8000 and above are errors.
"""

from __future__ import annotations

import datetime
import enum
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from gatewright.plane.linux import local_sockets
from gatewright.plane.linux.bird_config import FORWARD, IDENTITY
from gatewright.resources.tunnel_states import MOST_LEARNED_TOLD, LearnedRoute

#: Codes of answers: a configuration is in force; it is, and what it ends is ending.
_RECONFIGURED = (3, 4)
_EVALUATED = 23
_PROTOCOL, _DETAIL, _BFD = 1002, 1006, 1020
_ERRORS = 8000
_ROUTE, _ATTRIBUTE = 1007, 1012
#: What counts changes of routes that are taken.
_COUNTED = ("Import updates", "Import withdraws")
_DESTINATION = re.compile(r"\d+\.\d+\.\d+\.\d+/\d+(?=\s)")
#: Characters of a path and of communities.
_LONGEST_ATTRIBUTE = 200
#: BIRD tells times by its clock, which is UTC's (:mod:`gatewright.plane.linux.bird` starts it so).
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?")
_LONGEST_LINE = 1 << 20


class Line(NamedTuple):
    """One line of an answer."""

    code: int
    text: str


class BgpState(enum.StrEnum):
    """RFC 4271's states of a session, as BIRD calls them."""

    IDLE = "Idle"
    CONNECT = "Connect"
    ACTIVE = "Active"
    OPEN_SENT = "OpenSent"
    OPEN_CONFIRM = "OpenConfirm"
    ESTABLISHED = "Established"
    #: It waits for the other end to begin; it is ending; it is switched off.
    PASSIVE = "Passive"
    CLOSE = "Close"
    DOWN = "Down"


class BfdState(enum.StrEnum):
    """RFC 5880's states of a session."""

    ADMIN_DOWN = "AdminDown"
    DOWN = "Down"
    INIT = "Init"
    UP = "Up"


_BFD_STATES = frozenset(state.value for state in BfdState)


@dataclass(frozen=True)
class Session:
    """One BGP session."""

    #: The name of its protocol, as :mod:`gatewright.plane.linux.bird_config` gives it.
    name: str
    state: BgpState
    #: When its protocol came up, or began to try; to some milliseconds, as BIRD works it out anew each time.
    since: datetime.datetime | None
    neighbour: str
    #: Why it ended last, in BIRD's words; empty if it never did.
    last_error: str
    #: Routes that are taken of what the other end announces.
    learned: int
    #: None without BFD.
    bfd: BfdState | None = None
    #: Counts what has come and gone of its routes: another text means that they may be others.
    changes: str = ""
    #: What is taken of what the other end announces, where that was asked for.
    routes: tuple[LearnedRoute, ...] = ()

    @property
    def up(self) -> bool:
        return self.state is BgpState.ESTABLISHED


class BirdRefused(OSError):
    """BIRD answered with an error."""


class BirdClient:
    """Raises OSError if nothing listens at the path, an answer takes longer than ``seconds``, or is an error."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._socket = local_sockets.connect(path, seconds)
        self._rest = b""
        try:
            self._answer()  # it says who it is
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._socket.close()

    @property
    def peer(self) -> int:
        """The number of the process that listens."""
        return local_sockets.peer_of(self._socket)

    def ask(self, command: str) -> list[Line]:
        """What it answers to a command of ours."""
        self._socket.sendall(f"{command}\n".encode())
        answer = self._answer()
        if answer and answer[-1].code >= _ERRORS:
            raise BirdRefused(f"BIRD refused {command!r}: {answer[-1].text}")
        return answer

    def configuration(self) -> str:
        """The digest of the configuration that is in force; empty if it is none of ours."""
        try:
            return next((line.text for line in self.ask(f"eval {IDENTITY}") if line.code == _EVALUATED), "")
        except BirdRefused:
            return ""  # nothing is called so

    def configure(self) -> None:
        """Have it read its configuration anew. What is the same in it as before is not disturbed."""
        answer = self.ask("configure")
        if answer[-1].code not in _RECONFIGURED:
            raise BirdRefused(f"BIRD did not take its configuration: {answer[-1].text}")

    def sessions(self) -> list[Session]:
        """Every BGP session, with the state of BFD beside it."""
        return list(sessions(self.ask("show protocols all"), self.ask("show bfd sessions")))

    def learned(self, protocol: str) -> list[LearnedRoute]:
        """What is taken of what a session's other end announces, the first :data:`MOST_LEARNED_TOLD` destinations."""
        return learned(self.ask(f"show route all table {FORWARD} protocol {protocol}"))

    def _answer(self) -> list[Line]:
        found: list[Line] = []
        while True:
            line = self._line()
            if line.startswith("+"):
                continue  # said to all who listen
            code = line[:4]
            if code.isdigit():
                found.append(Line(int(code), line[5:]))
                if line[4:5] != "-":
                    return found
            elif found:
                found.append(Line(found[-1].code, line[1:]))

    def _line(self) -> str:
        while b"\n" not in self._rest:
            told = self._socket.recv(65536)
            if not told:
                raise ConnectionResetError("BIRD closed its control socket")
            self._rest += told
            if len(self._rest) > _LONGEST_LINE:
                raise OSError("BIRD's answer has a line without end")
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode(errors="replace")


def sessions(protocols: Iterable[Line], bfd: Iterable[Line]) -> Iterator[Session]:
    """The BGP sessions that answers to ``show protocols all`` and ``show bfd sessions`` tell of."""
    beside = _bfd_states(bfd)
    current: Session | None = None
    link = ""
    for line in protocols:
        if line.code == _PROTOCOL:
            if current is not None:
                yield replace(current, bfd=beside.get((current.neighbour, link)))
            current, link = _begun(line.text), ""
        elif line.code == _DETAIL and current is not None:
            what, _, value = line.text.strip().partition(":")
            value = value.strip()
            if what == "BGP state":
                current = replace(current, state=_bgp_state(value))
            elif what == "Neighbor address":
                address, _, link = value.partition("%")
                current = replace(current, neighbour=address)
            elif what == "Last error":
                current = replace(current, last_error=value)
            elif what == "Routes":
                current = replace(current, learned=_leading_number(value))
            elif what in _COUNTED:
                current = replace(current, changes=f"{current.changes} {value}".strip())
    if current is not None:
        yield replace(current, bfd=beside.get((current.neighbour, link)))


def learned(lines: Iterable[Line]) -> list[LearnedRoute]:
    """The routes that an answer to ``show route all`` tells of, by destination, as many as are told on."""
    found: dict[str, LearnedRoute] = {}
    current = ""
    for line in lines:
        if line.code == _ROUTE and (match := _DESTINATION.match(line.text)) is not None:
            current = match[0]
            found[current] = LearnedRoute(current)
        elif line.code == _ATTRIBUTE and current:
            what, _, value = line.text.strip().partition(":")
            value = value.strip()[:_LONGEST_ATTRIBUTE]
            if what == "BGP.as_path":
                found[current] = msgspec.structs.replace(found[current], as_path=value)
            elif what == "BGP.community":
                found[current] = msgspec.structs.replace(found[current], community=value)
    return sorted(found.values(), key=lambda each: IPv4Network(each.destination))[:MOST_LEARNED_TOLD]


def _begun(text: str) -> Session | None:
    """What the line that a protocol begins with tells; None if it is not BGP."""
    words = text.split()
    if len(words) < 4 or words[1] != "BGP":
        return None
    time = _TIME.search(text)
    since = datetime.datetime.fromisoformat(time[0]).replace(tzinfo=datetime.UTC) if time else None
    return Session(name=words[0], state=BgpState.DOWN, since=since, neighbour="", last_error="", learned=0)


def _bgp_state(text: str) -> BgpState:
    try:
        return BgpState(text)
    except ValueError:
        return BgpState.DOWN


def _bfd_states(lines: Iterable[Line]) -> dict[tuple[str, str], BfdState]:
    found = {}
    for line in lines:
        words = line.text.split()
        if line.code == _BFD and len(words) >= 3 and words[2] in _BFD_STATES:
            found[words[0], words[1]] = BfdState(words[2])
    return found


def _leading_number(text: str) -> int:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


def listen(path: Path) -> socket.socket:
    """A connection that does not block and becomes readable when a protocol or a session of BFD changes its state.

    It costs nothing while nothing changes, and it ends when BIRD does. Raises OSError.
    """
    found = local_sockets.connect(path, 1.0)
    try:
        found.sendall(b"echo all\n")
        found.setblocking(False)
    except BaseException:
        found.close()
        raise
    return found
