"""What is seen of tunnels, told as it happens: the newest state of each, and what their daemons say.

A state is told until the control plane has it, and again after each apply of its instance: then it stands, whatever
became of it there meanwhile. Lines are told once, in their order, and the oldest are dropped while nobody takes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from gatewright.link.contract import Link, LinkDown, Secret, Secrets
from gatewright.link.frames import MOST_OF_TUNNELS
from gatewright.plane.contract import PlaneError
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnel_states import MOST_TROUBLES, Trouble, TunnelLine, TunnelState
from gatewright.resources.tunnels import SecretRef

_log = logging.getLogger(__name__)
_RETRY = 0.5
#: How long lines wait for others when no state has changed, seconds.
_GATHER = 0.1
#: Routes of all tunnels in one message.
_MOST_ROUTES = 10_000
#: Lines of one tunnel that wait to be told.
MOST_LINES = 500
#: Characters of a line, and of why a tunnel does not carry; what is longer is cut.
LONGEST_LINE = 500


class TunnelReporter:
    """Tells one host's tunnels, one message at a time. All methods are called on the event loop."""

    def __init__(self, link: Link) -> None:
        self._link = link
        #: The newest state of each tunnel, and those that are not told yet.
        self._known: dict[str, TunnelState] = {}
        self._unsent: dict[str, TunnelState] = {}
        self._lines: dict[str, deque[TunnelLine]] = {}
        self._something = asyncio.Event()
        self._urgent = asyncio.Event()
        #: Secrets that are asked for in the next question, and who asks it.
        self._asked_for: dict[SecretRef, None] = {}
        self._asking: asyncio.Task[Mapping[SecretRef, str]] | None = None
        self._one_question = asyncio.Lock()
        #: Whether all that was seen has been told.
        self.idle = True

    def told(self, news: TunnelState | TunnelLine) -> None:
        """Tell this as soon as the link is free."""
        if isinstance(news, TunnelState):
            troubles = tuple(_short(each) for each in news.troubles[:MOST_TROUBLES])
            news = msgspec.structs.replace(news, detail=_cut(news.detail), troubles=troubles)
            self._known[news.id] = news
            self._send(news)
        else:
            lines = self._lines.setdefault(news.tunnel_id, deque(maxlen=MOST_LINES))
            lines.append(msgspec.structs.replace(news, text=_cut(news.text)))
            self._wake()

    def retell(self, spec: InstanceSpec) -> None:
        """The instance stands as this says: tell its tunnels' states once more, and forget its other tunnels."""
        tunnels = {tunnel.id for tunnel in spec.tunnels}
        for state in [state for state in self._known.values() if state.instance_id == spec.id]:
            if state.id in tunnels:
                self._send(state)
            else:
                del self._known[state.id]

    def forget(self, instance_id: str) -> None:
        """The instance has been removed."""
        self._known = {key: state for key, state in self._known.items() if state.instance_id != instance_id}

    async def reveal(self, references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        """Ask the control plane for secrets. Raises PlaneError.

        There is one question at a time: what is asked for meanwhile is the next one, however many tunnels it is of.
        """
        self._asked_for.update(dict.fromkeys(references))
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask())
        # others wait for the same answer
        found = await asyncio.shield(self._asking)
        return Secrets(Secret(*one, found[one]) for one in references if one in found)

    async def _ask(self) -> Mapping[SecretRef, str]:
        async with self._one_question:
            references, self._asked_for, self._asking = tuple(self._asked_for), {}, None
            found = Secrets(())
            try:
                for start in range(0, len(references), MOST_OF_TUNNELS):
                    found.update(await self._link.secrets(references[start : start + MOST_OF_TUNNELS]))
            except LinkDown as error:
                raise PlaneError(
                    f"the control plane, which knows the tunnels' secrets, does not answer: {error}"
                ) from error
            return found

    async def run(self) -> None:
        """Tell for ever."""
        down = False
        while True:
            await self._something.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GATHER):
                    await self._urgent.wait()
            self._urgent.clear()
            states = self._next_states()
            lines = self._next_lines()
            if self._unsent:
                self._urgent.set()
            elif not self._lines:
                self._something.clear()
            try:
                await self._link.tunnels(tuple(states.values()), tuple(lines))
                down = False
                self.idle = not self._unsent and not self._lines
            except LinkDown as error:
                if not down:
                    _log.warning("the control plane is not told of tunnels: %s", error)
                down = True
                # What was seen meanwhile is newer than what could not be sent.
                self._unsent = states | self._unsent
                self._put_back(lines)
                self._something.set()
                self._urgent.set()
                await asyncio.sleep(_RETRY)

    def _next_states(self) -> dict[str, TunnelState]:
        """Take as many as a message has, with no more routes than make it a good deal smaller than it may be."""
        taken: dict[str, TunnelState] = {}
        routes = 0
        for key, state in self._unsent.items():
            routes += len(state.learned)
            if len(taken) == MOST_OF_TUNNELS or (taken and routes > _MOST_ROUTES):
                break
            taken[key] = state
        for key in taken:
            del self._unsent[key]
        return taken

    def _next_lines(self) -> list[TunnelLine]:
        """Take as many as a message has, tunnel by tunnel."""
        taken: list[TunnelLine] = []
        while self._lines and len(taken) < MOST_OF_TUNNELS:
            tunnel_id, lines = next(iter(self._lines.items()))
            while lines and len(taken) < MOST_OF_TUNNELS:
                taken.append(lines.popleft())
            if not lines:
                del self._lines[tunnel_id]
        return taken

    def _put_back(self, lines: Sequence[TunnelLine]) -> None:
        """Have lines wait again before those that came meanwhile, as far as there is room."""
        for line in reversed(lines):
            waiting = self._lines.setdefault(line.tunnel_id, deque(maxlen=MOST_LINES))
            if len(waiting) < MOST_LINES:
                waiting.appendleft(line)

    def _send(self, state: TunnelState) -> None:
        self._unsent[state.id] = state
        self._urgent.set()
        self._wake()

    def _wake(self) -> None:
        self._something.set()
        self.idle = False


def _short(trouble: Trouble) -> Trouble:
    texts = {name: _cut(getattr(trouble, name)) for name in ("line", "ours", "theirs", "about")}
    return msgspec.structs.replace(trouble, **texts)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "\N{HORIZONTAL ELLIPSIS}"
