"""The documents of the link as version 1 had them: what an agent that is one version older decodes with.

A copy of commit 203961f, and never to be changed: such agents are out there.
"""

from __future__ import annotations

import enum

import msgspec


class Kind(enum.StrEnum):
    VSWITCH = "vswitch"
    INSTANCE = "instance"


class VSwitchSpec(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="vswitch"):
    id: str
    generation: int
    vpc_id: str
    zone_id: str
    cidr_block: str


class PublicLeg(msgspec.Struct, frozen=True, kw_only=True):
    addresses: tuple[str, ...]
    network: str


class PrivateLeg(msgspec.Struct, frozen=True, kw_only=True):
    vswitch_id: str
    address: str
    network: str


class InstanceSpec(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="instance"):
    id: str
    generation: int
    gateway_id: str
    account_id: str
    region_id: str
    zone_id: str
    role: str
    public: PublicLeg | None
    private: PrivateLeg
    bandwidth: int
    ipsec: bool
    ssl: bool
    ssl_connections: int
    auto_propagate: bool


class Tombstone(msgspec.Struct, frozen=True, tag_field="kind", tag="tombstone"):
    of: Kind
    id: str


class HostChanges(msgspec.Struct, frozen=True, kw_only=True):
    upto: int
    revision: int
    items: tuple[VSwitchSpec | InstanceSpec | Tombstone, ...]


class Phase(enum.StrEnum):
    APPLYING = "applying"
    READY = "ready"
    FAILED = "failed"
    REMOVED = "removed"


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    id: str
    generation: int
    phase: Phase
    detail: str = ""


class ChangesRequest(msgspec.Struct, frozen=True, tag="changes"):
    since: int
    wait: float


class ReportRequest(msgspec.Struct, frozen=True, tag="report"):
    observations: tuple[Observation, ...]


class ChangesAnswer(msgspec.Struct, frozen=True, tag="changes"):
    changes: HostChanges


class ReportAnswer(msgspec.Struct, frozen=True, tag="report"):
    pass


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    reason: str


ControlMessage = ChangesAnswer | ReportAnswer | Failure
control_decoder: msgspec.msgpack.Decoder[ControlMessage] = msgspec.msgpack.Decoder(ControlMessage)
