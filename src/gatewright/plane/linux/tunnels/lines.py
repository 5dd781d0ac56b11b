"""What charon logs of one tunnel, as lines of the tunnel's log: no more of them than anybody could read."""

from __future__ import annotations

import re
import time

from gatewright.plane.contract import Told
from gatewright.plane.linux.tunnels.pace import Pace
from gatewright.resources.tunnel_states import TunnelLine

#: Lines a second in the long run, and at once. A negotiation has some forty.
_RATE, _BURST = 20.0, 400.0
#: Characters of one line.
_LONGEST = 1000


#: What charon says every few seconds while nothing happens: questions whether the peer is there.
_IDLE = re.compile(r"sending (keep alive|DPD request)|INFORMATIONAL (request|response) \d+ \[ \]|R_U_THERE")


def worth_telling(group: bytes, text: str) -> bool:
    """Whether a line of charon's, of one of its groups, tells anybody anything: packets by themselves do not."""
    return group != b"NET" and _IDLE.search(text) is None


class Lines:
    """Called on the event loop."""

    def __init__(self, tunnel_id: str, told: Told) -> None:
        self._tunnel_id = tunnel_id
        self._told = told
        self._pace = Pace(_RATE, _BURST, time.monotonic())
        self._left_out = 0

    def add(self, text: str) -> bool:
        """False if there are too many for it to be told."""
        if not self._pace.take(time.monotonic()):
            self._left_out += 1
            return False
        if self._left_out:
            self._say(f"({self._left_out} lines were left out here: more came than {_RATE:.0f} a second)")
            self._left_out = 0
        self._say(text)
        return True

    def warn(self, text: str) -> None:
        """Of our own, seldom, and never left out."""
        self._say(f"warning: {text}")

    def _say(self, text: str) -> None:
        line = "".join(character if character.isprintable() else "�" for character in text[:_LONGEST])
        self._told(TunnelLine(tunnel_id=self._tunnel_id, at=time.time_ns() // 1_000_000, text=line))
