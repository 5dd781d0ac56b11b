"""What is told of resources as it happens. Pure: what an event is; ``store/events.py`` keeps them."""

from __future__ import annotations

import enum

import msgspec

#: The status after that of a resource that is gone.
GONE = "gone"


class Subject(enum.StrEnum):
    """What an event is about, as ``ResourceType`` spells it."""

    VPN_GATEWAY = "VpnGateway"
    VSWITCH = "VSwitch"
    VPC = "Vpc"
    VPN_CONNECTION = "VpnConnection"


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a resource."""

    account_id: str
    region_id: str
    #: Milliseconds since the epoch, by the service's clock.
    happened_at: int
    subject: str
    resource_id: str
    #: The status before; None where the resource has come to be.
    before: str | None
    #: The status after; the same where only something new is to be said of it.
    after: str
    #: What there is to say besides, for people; may be empty.
    text: str = ""
