"""How much goes through an instance. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

_Natural = Annotated[int, msgspec.Meta(ge=0)]


class Count(msgspec.Struct, frozen=True, gc=False):
    """What an instance has received from outside and sent there since it was made, as its host counts it.

    Outside is the public side, of a private gateway its vSwitch. Bytes are those of whole Ethernet frames, after the
    ordered bandwidth: what was dropped does not count.
    """

    #: The instance's id.
    id: str
    received_bytes: _Natural
    received_packets: _Natural
    sent_bytes: _Natural
    sent_packets: _Natural

    def since(self, earlier: Count) -> Count:
        """What came since an earlier count; all of it if the counting began anew meanwhile."""
        if any(now < before for now, before in zip(self.numbers, earlier.numbers, strict=True)):
            return self
        return Count(self.id, *(now - before for now, before in zip(self.numbers, earlier.numbers, strict=True)))

    def plus(self, other: Count) -> Count:
        """Both together."""
        return Count(self.id, *(one + two for one, two in zip(self.numbers, other.numbers, strict=True)))

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        return self.received_bytes, self.received_packets, self.sent_bytes, self.sent_packets
